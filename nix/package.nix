# The program, its units and its completions. It takes a Rust as new as Cargo.toml says.
# The tests are not run here: they need Taskwarrior of both versions, and `make test` runs them.
{
  lib,
  rustPlatform,
  installShellFiles,
}:
let
  manifest = builtins.fromTOML (builtins.readFile ../Cargo.toml);
in
rustPlatform.buildRustPackage {
  pname = "instep";
  inherit (manifest.workspace.package) version;
  src = lib.cleanSource ../.;
  cargoLock.lockFile = ../Cargo.lock;
  cargoBuildFlags = [
    "--package"
    "instep"
  ];
  doCheck = false;
  nativeBuildInputs = [ installShellFiles ];
  postInstall = ''
    for shell in bash zsh fish; do
      $out/bin/instep completions $shell > instep.$shell
    done
    installShellCompletion instep.{bash,zsh,fish}
    mkdir -p $out/lib/systemd
    cp -r dist/systemd/user dist/systemd/system $out/lib/systemd/
    for unit in $out/lib/systemd/*/*.service; do
      substituteInPlace $unit --replace-fail /usr/bin/instep $out/bin/instep
    done
  '';
  meta = {
    description = "Keeps your tasks in step: Taskwarrior, Vikunja and plain files through one hub";
    license = with lib.licenses; [
      mit
      asl20
    ];
    mainProgram = "instep";
    platforms = lib.platforms.unix;
  };
}
