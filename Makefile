# Thin: what each target does beyond installing packages is in `cargo xtask` and in scripts/.
# Every target works on a Debian machine that has a Rust toolchain and make, and says what it
# installs before it does. Nothing but Debian packages, the toolchain's own rustfmt and clippy,
# and Taskwarrior's default theme is put outside this folder and the caches of Cargo and Instep.

.DEFAULT_GOAL := help
.PHONY: help demo test bench fmt packages checkers components

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
# SQLite and the TLS library are compiled from C; any compiler that calls itself cc will do.
C_COMPILER := $(if $(shell command -v cc),,gcc libc6-dev)

help:
	@echo 'make demo    show Taskwarrior and a task file kept equal through the hub, in a throw-away home'
	@echo 'make test    run every check: format, clippy, rustdoc, tidy, cargo-deny, all tests'
	@echo 'make bench   measure syncs beside their floors; prints a table'
	@echo 'make fmt     format the code'
	@echo
	@echo 'demo, test and bench first install the Debian packages that they lack, and say which.'
	@echo 'test also fetches Taskwarrior 3, the Todoist SDKs, and cargo-deny unless it is there or INSTEP_SKIP_DENY_INSTALL is set.'

# Checks of what is shipped beside the program: units of systemd, modules of Nix.
CHECKERS := systemd nix-bin

# Installs taskwarrior; gcc and libc6-dev where there is no cc; ca-certificates.
packages:
	@scripts/install-debian-packages --for Instep taskwarrior ca-certificates $(C_COMPILER)

checkers:
	@scripts/install-debian-packages --for "the tests of Instep" $(CHECKERS)

# Adds rustfmt and clippy to a toolchain that came without them.
components:
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 \
		|| { echo 'adding rustfmt and clippy to the toolchain'; rustup component add rustfmt clippy; }

demo: packages
	cargo build --release --locked --package instep
	scripts/demo $(TARGET_DIR)/release/instep

# Fetches Taskwarrior 3 into the user's cache folder, beside the system's own Taskwarrior, and
# Todoist's SDKs where there is a Python and a Node for them.
test: packages checkers components
	@task3=$$(scripts/taskwarrior-3) && sdks=$$(scripts/todoist-sdks) && \
		INSTEP_TEST_TASK3=$$task3 INSTEP_TEST_TASK2=$$(command -v task) \
		INSTEP_TEST_TODOIST_SDKS=$$sdks cargo xtask ci

bench: packages
	cargo xtask bench

fmt: components
	cargo fmt --all
