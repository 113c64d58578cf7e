use vexil::Flags;

#[derive(Flags)]
struct ShopFlags {
    #[flag(default = 300)]
    retries: u8,
}

fn main() {}
