//! The messages of the compiler for mistakes, in `errors/*.stderr`. They are compared on the compiler
//! of `rust-version` only, because compilers change their messages.

#![cfg(test)]

#[test]
fn mistakes_are_errors_of_the_compiler_at_the_field() {
    trybuild::TestCases::new().compile_fail("tests/errors/*.rs");
}
