use vexil::Flags;

#[derive(Flags)]
struct ShopFlags {
    #[flag(defualt = false)]
    misspelt: bool,
    #[flag(default = false, default = true)]
    twice: bool,
    #[flag(key = "a")]
    #[flag(key = "b", default = 1)]
    two_keys: u32,
    #[flag]
    empty: bool,
    #[flag(default)]
    no_value: bool,
    #[flag(flatten, default = false)]
    flattened: bool,
}

fn main() {}
