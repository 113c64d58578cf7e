use vexil::Client;

fn main() {
    let _ = Client::builder("sdk-key").data_source("flags.json");
}
