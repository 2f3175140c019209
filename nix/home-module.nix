# A home-manager module: Instep as a service of the person's own systemd, its config, and
# Taskwarrior's hook. The units are those of `instep service install`, and the hook is that of
# `instep hook install`.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkIf mkOption types;

  cfg = config.services.instep;
  home = config.home.homeDirectory;
  inherit (config) xdg;
  render = import ./config.nix { inherit lib; };
  unit = name: (import ./unit.nix).read (builtins.readFile (../dist/systemd/user + "/${name}"));
  program = "${cfg.package}/bin/instep";
  inherit (import ./unit.nix) word;

  # Where an account's service writes.
  places =
    one:
    {
      file = [ (dirOf one.path) ];
      vikunja = [ ];
      taskwarrior =
        if one.data != null then
          [ one.data ]
        else
          [
            "${home}/.task"
            "${xdg.dataHome}/task"
          ];
    }
    .${one.kind};
  writable = lib.unique (
    map (dir: "${dir}/instep") [
      xdg.configHome
      xdg.dataHome
      xdg.stateHome
    ]
    ++ builtins.concatMap places (builtins.attrValues cfg.accounts)
  );

  # The service of a unit's text with what this person needs.
  service =
    name: arguments:
    let
      text = unit name;
    in
    text
    // {
      Service = text.Service // {
        ExecStart = "${program} ${arguments}";
        ReadWritePaths = [ "-%t/instep" ] ++ map (path: word "-${path}") writable;
        Environment = map word [
          "XDG_CONFIG_HOME=${xdg.configHome}"
          "XDG_DATA_HOME=${xdg.dataHome}"
          "XDG_STATE_HOME=${xdg.stateHome}"
          "PATH=${config.home.profileDirectory}/bin:/run/current-system/sw/bin:/usr/local/bin:/usr/bin:/bin"
        ];
      };
    };
  daemon = lib.recursiveUpdate (service "instep.service" "serve") {
    Service.ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
  };
  alone = daemon // {
    Unit = removeAttrs daemon.Unit [
      "Requires"
      "After"
    ];
  };
  timer = unit "instep-sync.timer";

  # What the hook carries, in the form that `instep hook install` writes.
  carried = ''
    # Arguments of `on-exit-instep`, one a line; made by `instep hook install`.
    --env=XDG_CONFIG_HOME=${xdg.configHome}
    --env=XDG_DATA_HOME=${xdg.dataHome}
    --env=XDG_STATE_HOME=${xdg.stateHome}
  ''
  + lib.optionalString cfg.hook.pass ''
    --pass
    --program=${program}
  '';
in
{
  options.services.instep =
    import ./options.nix {
      inherit lib;
      package = pkgs.callPackage ./package.nix { };
    }
    // {
      socket.enable = mkOption {
        description = "Whether systemd listens on the daemon's socket, so that nothing is refused while it starts.";
        type = types.bool;
        default = true;
      };
      hook = {
        enable = mkOption {
          description = "Whether Taskwarrior tells Instep of every change at once.";
          type = types.bool;
          default = false;
        };
        directories = mkOption {
          description = "The directories of Taskwarrior's hooks, below the home directory.";
          type = types.listOf types.str;
          default = [ ".task/hooks" ];
        };
        pass = mkOption {
          description = "Whether a change is carried at once where no daemon runs.";
          type = types.bool;
          default = false;
        };
      };
    };

  config = mkIf cfg.enable {
    assertions = render.assertions "services.instep" cfg;
    services.instep.configText = render.text {
      inherit cfg;
      secretAt = _: one: one.secretFile;
      hookPass = cfg.hook.pass;
    };
    home.packages = [ cfg.package ];
    # A file of its own and no link into the Nix store: Instep refuses a config that leads to
    # secrets and that others can read.
    home.activation.instepConfig = lib.hm.dag.entryAfter [ "writeBoundary" ] ''
      run mkdir -p -m 700 ${lib.escapeShellArg "${xdg.configHome}/instep"}
      run install -m 600 ${pkgs.writeText "instep-config.toml" cfg.configText} \
        ${lib.escapeShellArg "${xdg.configHome}/instep/config.toml"}
    '';
    home.file = mkIf cfg.hook.enable (
      builtins.listToAttrs (
        builtins.concatMap (directory: [
          {
            name = "${directory}/on-exit-instep";
            value.source = "${program}-hook";
          }
          {
            name = "${directory}/instep-hook.conf";
            value.text = carried;
          }
        ]) cfg.hook.directories
      )
    );
    systemd.user = {
      services =
        lib.optionalAttrs cfg.daemon.enable { instep = if cfg.socket.enable then daemon else alone; }
        // lib.optionalAttrs cfg.fullSync.enable {
          instep-sync = service "instep-sync.service" "sync --full --quiet --no-input";
        };
      sockets = lib.optionalAttrs (cfg.daemon.enable && cfg.socket.enable) { instep = unit "instep.socket"; };
      timers = lib.optionalAttrs cfg.fullSync.enable {
        instep-sync = timer // {
          Timer = timer.Timer // {
            OnCalendar = cfg.fullSync.onCalendar;
          };
        };
      };
    };
  };
}
