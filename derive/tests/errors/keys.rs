use vexil::Flags;

#[derive(Flags)]
struct ShopFlags {
    #[flag(default = 1)]
    rate_limit: u32,
    #[flag(key = "rate-limit", default = 2)]
    limit: u32,
    #[flag(key = "", default = 3)]
    none: u32,
    #[flag(key = limit, default = 4)]
    word: u32,
}

fn main() {}
