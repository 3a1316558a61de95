//! The child of the tests: what `nightporter helper render` runs. Never shipped.

fn main() -> std::process::ExitCode {
    driver_escpos::render::helper().into()
}
