//! The messages of the compiler for mistakes, in `errors/*.stderr`, also for those that concern only
//! the client: these tests link it anyway. They are compared on the compiler of `rust-version` only,
//! because compilers change their messages.

#![cfg(test)]

#[test]
fn mistakes_are_errors_of_the_compiler_that_say_what_is_expected() {
    trybuild::TestCases::new().compile_fail("tests/errors/*.rs");
}
