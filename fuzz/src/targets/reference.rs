//! References to attributes.

use vexil_eval::{Context, Reference, Value};

pub(super) fn target(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let literal = Reference::literal(text);
    let read = Reference::new(literal.as_str());
    assert_eq!(read.error(), literal.error());
    assert_eq!(read.components(), literal.components());
    if !text.is_empty() {
        assert_eq!(literal.components(), [text]);
    }

    let reference = Reference::new(text);
    assert_eq!(reference.as_str(), text);
    assert_eq!(reference.error().is_some(), reference.depth() == 0);
    let Some((first, rest)) = reference.components().split_first() else {
        return;
    };
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    let names = reference.components().iter();
    let path: String = names.map(|name| format!("/{}", escaped(name))).collect();
    assert_eq!(
        Reference::new(&*path).components(),
        reference.components(),
        "as a path"
    );

    // The reference finds the value that is at its path.
    let value = rest.iter().rev().fold(Value::from(7), |value, name| {
        Value::Object([(name.clone(), value)].into_iter().collect())
    });
    let is_built_in = ["kind", "key", "name", "anonymous", "_meta"].contains(&first.as_str());
    if is_built_in || rest.len() >= Value::MAX_DEPTH {
        return;
    }
    let context = Context::builder("k").set(first.clone(), value).build();
    let context = context.expect("any other attribute is allowed");
    assert_eq!(context.lookup(&reference), Some(Value::from(7)));
}
