use vexil::{Client, Context};

fn evaluate(client: &Client, ada: &Context) {
    // The order of the official Rust SDK.
    client.bool_variation(ada, "new-checkout", false);
    client.track(ada, "signed-up");
    // The default before the context.
    client.bool_variation("new-checkout", false, ada);
}

fn main() {}
