use serde::{Deserialize, Serialize};
use vexil::Flags;

struct Banner;

#[derive(Deserialize, Serialize)]
struct Limits {
    rps: u32,
}

#[derive(Flags)]
struct ShopFlags {
    #[flag(default = Banner)]
    banner: Banner,
    #[flag(flatten)]
    limits: Limits,
}

fn main() {}
