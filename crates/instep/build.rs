//! The hook is copied among those of each Taskwarrior, so what only a debugger reads is left out of it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Whether the profile asks for it; one that does not may strip more than this.
    if std::env::var("DEBUG").is_ok_and(|debug| debug == "true") {
        println!("cargo:rustc-link-arg-bin=instep-hook=-Wl,-S");
    }
}
