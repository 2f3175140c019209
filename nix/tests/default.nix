# Both modules with a person's settings, and what comes of them. Nothing is built.
#   nix-instantiate --eval --strict --json nix/tests -A home
let
  inherit (import ./lib.nix) lib evaluate;
  inherit (lib) types;

  option = type: lib.mkOption { inherit type; };
  having = type: default: lib.mkOption { inherit type default; };

  pkgs = {
    coreutils = "/nix/store/coreutils";
    callPackage = _: _: "/nix/store/instep";
    writeText = name: text: "/nix/store/${name}";
  };
  units = having (types.attrsOf types.anything) { };

  around = {
    home = {
      assertions = option (types.listOf types.anything);
      home = {
        homeDirectory = having types.str "/users/ann";
        profileDirectory = having types.str "/users/ann/.nix-profile";
        packages = having (types.listOf types.package) [ ];
        file = units;
        activation = units;
      };
      xdg = {
        configHome = having types.str "/users/ann/.config";
        dataHome = having types.str "/users/ann/.local/share";
        stateHome = having types.str "/users/ann/.local/state";
      };
      systemd.user = {
        services = units;
        sockets = units;
        timers = units;
      };
    };
    system = {
      assertions = option (types.listOf types.anything);
      environment.systemPackages = having (types.listOf types.package) [ ];
      systemd = {
        services = units;
        timers = units;
      };
    };
  };
  modules = {
    home = import ../home-module.nix;
    system = import ../nixos-module.nix;
  };

  # What comes of these settings in one of the two; `enable` goes without saying.
  comes =
    which: settings:
    let
      config = evaluate {
        module = modules.${which};
        inherit pkgs;
        around = around.${which};
        definitions.services.instep = {
          enable = true;
        }
        // settings;
      };
    in
    removeAttrs config [
      "assertions"
      "services"
      "xdg"
    ]
    // {
      config = config.services.instep.configText;
    };

  vikunja = {
    kind = "vikunja";
    url = "https://vikunja.example";
    secretFile = "/run/secrets/vikunja";
  };
  everything = {
    timezone = "Europe/Berlin";
    conflicts = "prefer:tw";
    callsPerSec = 100;
    accounts = {
      tw = {
        kind = "taskwarrior";
        taskrc = "/users/ann/.taskrc";
        data = "/users/ann/.task";
        project = [
          "Home"
          "Work.Garden"
        ];
      };
      vikunja = vikunja // {
        id = "vikunja-1";
        notTag = [ "private" ];
      };
      shared = {
        kind = "file";
        path = "/users/ann/my lists/\"50%\"/tasks.json";
        direction = "to-remote";
        tag = [ "shop" ];
        priorityHighIsOne = true;
      };
    };
    daemon = {
      pollSecs = 30;
      parallelReads = 2;
      alarmCommand = "notify-send 'Instep is silent'";
      log = "debug";
    };
    webhooks = {
      listen = "127.0.0.1:7117";
      publicUrl = "https://box.example/instep";
    };
    breaker = {
      failures = 5;
      openSecs = 120;
      enable = false;
    };
    fullSync = {
      enable = true;
      onCalendar = "Sun 03:00";
    };
  };
in
{
  inherit comes vikunja everything;
  home = comes "home" (
    everything
    // {
      hook = {
        enable = true;
        pass = true;
      };
    }
  );
  homeBare = comes "home" {
    accounts.tw.kind = "taskwarrior";
    daemon.enable = false;
    breaker.enable = false;
  };
  homeWithoutSocket = (comes "home" { socket.enable = false; }).systemd;
  system = comes "system" (everything // { user = "ann"; });
  systemAlone = comes "system" { accounts = { inherit vikunja; }; };
}
