use serde::{Deserialize, Serialize};
use vexil::Flags;

#[derive(Deserialize, Serialize)]
enum Theme {
    Light,
}

#[derive(Flags)]
struct ShopFlags {
    #[flag(default = "light")]
    theme: Theme,
    #[flag(default = Theme::Lihgt)]
    night_theme: Theme,
}

fn main() {}
