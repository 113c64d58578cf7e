use vexil::Flags;

#[derive(Flags)]
struct Tuple(#[flag(default = false)] bool);

#[derive(Flags)]
struct Unit;

#[derive(Flags)]
enum Enum {
    A,
}

#[derive(Flags)]
union Union {
    a: bool,
}

#[derive(Flags)]
struct Generic<T> {
    #[flag(default = false)]
    a: T,
}

#[derive(Flags)]
struct Borrowed<'a> {
    #[flag(default = "a")]
    a: &'a str,
}

fn main() {}
