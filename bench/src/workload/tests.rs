use sha2::{Digest as _, Sha256};

use super::{add_large, generate};

#[test]
fn a_thousand_flags_have_the_published_bytes() {
    assert_eq!(
        fingerprint(1_000),
        (
            843_985,
            "968295b054d6377b4c983adab7e243cee7b35e68a272949b8f18146824748c56".into()
        ),
    );
}

#[test]
fn ten_thousand_flags_have_the_published_bytes() {
    assert_eq!(
        fingerprint(10_000),
        (
            7_494_716,
            "132fa4b48b822492a9aac5eaa1133fefb946b7233d72942bd33eb5f00bb76456".into()
        ),
    );
}

#[test]
fn large_flags_are_added_without_other_changes() {
    let common = generate(20).to_json().unwrap();
    let mut data = generate(20);
    add_large(&mut data);
    assert_eq!((data.flags.len(), data.segments.len()), (31, 53));
    assert_eq!(data.flags[29].rules[0].clauses[0].values.len(), 1_000);
    assert_eq!(data.segments[52].included.len(), 10_000);

    data.flags.truncate(29);
    data.segments.truncate(52);
    assert_eq!(data.to_json().unwrap(), common);
}

fn fingerprint(count: u32) -> (usize, String) {
    let json = generate(count).to_json().unwrap();
    let digest = Sha256::digest(&json);
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    (json.len(), hex)
}
