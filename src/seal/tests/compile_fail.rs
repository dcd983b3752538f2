//! Leaking and forging do not compile: each file of `does_not_compile/` is one attempt, with what the compiler says.

#[test]
fn leaking_and_forging_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/does_not_compile/*.rs");
}
