# A NixOS module: Instep as a service of the system, for a computer that keeps several people's
# tasks. Config and secrets are handed over by systemd, so that they can stay root's. For the tasks
# of one person who logs in there is the home-manager module.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkIf mkOption types;

  cfg = config.services.instep;
  render = import ./config.nix { inherit lib; };
  inherit (import ./unit.nix) read word;
  text = read (builtins.readFile ../dist/systemd/system/instep.service);
  program = "${cfg.package}/bin/instep";
  names = builtins.attrNames cfg.accounts;
  withSecret = builtins.filter (name: cfg.accounts.${name}.secretFile != null) names;

  configFor =
    unit:
    render.text {
      inherit cfg;
      secretAt = name: _: "/run/credentials/${unit}.service/secrets_${name}";
    };

  # Directories that accounts write to, beyond the service's own.
  writable = lib.unique (
    builtins.concatMap (
      name:
      let
        one = cfg.accounts.${name};
      in
      lib.optional (one.kind == "file") (dirOf one.path) ++ lib.optional (one.data != null) one.data
    ) names
  );

  # One set of directories belongs to both units, so both run as one user.
  as =
    if cfg.user == null then
      { User = "instep"; }
    else
      {
        User = cfg.user;
        DynamicUser = false;
        ProtectHome = "read-only";
        ReadWritePaths = map (path: word "-${path}") writable;
      };

  service = unit: arguments: own: {
    description = text.Unit.Description;
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    serviceConfig =
      removeAttrs text.Service own.without
      // as
      // {
        ExecStart = "${program} ${arguments} --config \${CREDENTIALS_DIRECTORY}/config.toml";
        LoadCredential = [
          "config.toml:${pkgs.writeText "instep-config.toml" (configFor unit)}"
        ]
        ++ map (name: "secrets_${name}:${cfg.accounts.${name}.secretFile}") withSecret;
      }
      // own.settings;
  };
in
{
  options.services.instep =
    import ./options.nix {
      inherit lib;
      package = pkgs.callPackage ./package.nix { };
    }
    // {
      user = mkOption {
        description = "Who the service runs as; a user of its own by default. Accounts of Taskwarrior and of files in a home directory take their owner.";
        type = types.nullOr types.str;
        default = null;
      };
    };

  config = mkIf cfg.enable {
    assertions =
      render.assertions "services.instep" cfg
      ++ map (path: {
        assertion = cfg.user != null || lib.hasPrefix "/var/lib/instep/" "${path}/";
        message = "services.instep: a service with a user of its own cannot write to ${path}; set services.instep.user";
      }) writable
      ++ map (name: {
        assertion = cfg.accounts.${name}.kind != "taskwarrior" || cfg.accounts.${name}.data != null && cfg.accounts.${name}.taskrc != null;
        message = "services.instep.accounts.${name}: a service of the system has no home, so `taskrc` and `data` say where Taskwarrior's files are";
      }) names;
    services.instep.configText = configFor "instep";
    environment.systemPackages = [ cfg.package ];
    systemd.services =
      lib.optionalAttrs cfg.daemon.enable {
        instep =
          service "instep" "serve" {
            without = [ ];
            settings = { };
          }
          // {
            wantedBy = [ "multi-user.target" ];
          };
      }
      // lib.optionalAttrs cfg.fullSync.enable {
        # The daemon's runtime directory must outlive it.
        instep-sync = service "instep-sync" "sync --full --quiet --no-input" {
          without = [
            "Restart"
            "RestartSec"
            "RuntimeDirectory"
            "RuntimeDirectoryMode"
            "WatchdogSec"
          ];
          settings = {
            Type = "oneshot";
            SuccessExitStatus = 5;
          };
        };
      };
    systemd.timers = lib.optionalAttrs cfg.fullSync.enable {
      instep-sync = {
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnCalendar = cfg.fullSync.onCalendar;
          RandomizedDelaySec = "1h";
          Persistent = true;
        };
      };
    };
  };
}
