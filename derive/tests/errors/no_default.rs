use vexil::Flags;

#[derive(Flags)]
struct ShopFlags {
    new_checkout: bool,
    #[flag(key = "limit")]
    rate_limit: u32,
}

fn main() {}
