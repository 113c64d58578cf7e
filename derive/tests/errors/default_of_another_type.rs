use vexil::Flags;
use vexil::eval::Detail;

#[derive(Flags)]
struct ShopFlags {
    #[flag(default = "no")]
    new_checkout: bool,
    #[flag(default = false)]
    banner: String,
    #[flag(default = 1)]
    ratio: Detail<f64>,
    #[flag(default = -1)]
    rate_limit: u32,
}

fn main() {}
