# From the options to the text of config.toml, and what is wrong with the options beyond their
# types. `secretAt` says where the program finds an account's secret.
{ lib }:
let
  inherit (builtins) attrNames concatMap;
  toml = import ./toml.nix;
  orNull = condition: value: if condition then value else null;
  orNothing = list: orNull (list != [ ]) list;

  own = {
    taskwarrior = [
      "taskrc"
      "data"
      "program"
    ];
    vikunja = [
      "url"
      "secretFile"
    ];
    file = [ "path" ];
  };
  needed = {
    taskwarrior = [ ];
    inherit (own) vikunja file;
  };

  account =
    secretAt: hookPass: name: one: {
      inherit (one)
        id
        kind
        conflicts
        url
        taskrc
        data
        program
        path
        ;
      inherit name;
      secret = orNull (one.secretFile != null) { file = secretAt name one; };
      direction = orNull (one.direction != "both") one.direction;
      project = orNothing one.project;
      tag = orNothing one.tag;
      not_tag = orNothing one.notTag;
      run_hooks = orNull one.runHooks true;
      format = orNull (one.kind == "file") "json";
      priority_high_is_one = orNull one.priorityHighIsOne true;
    };
in
{
  text =
    {
      cfg,
      secretAt,
      hookPass ? false,
    }:
    "# Made by the Nix module of Instep: a change belongs there.\n"
    + toml.render [ "id" "name" "kind" ] {
      inherit (cfg) timezone conflicts;
      calls_per_sec = cfg.callsPerSec;
      breaker = {
        inherit (cfg.breaker) failures;
        open_secs = cfg.breaker.openSecs;
        off = orNull (!cfg.breaker.enable) true;
      };
      daemon = {
        inherit (cfg.webhooks) listen;
        public_url = cfg.webhooks.publicUrl;
        poll_secs = cfg.daemon.pollSecs;
        parallel_reads = cfg.daemon.parallelReads;
        alarm_command = cfg.daemon.alarmCommand;
        inherit (cfg.daemon) log;
        hook_pass = orNull hookPass true;
      };
      account = map (name: account secretAt hookPass name cfg.accounts.${name}) (attrNames cfg.accounts);
    };

  assertions =
    where: cfg:
    concatMap (
      name:
      let
        one = cfg.accounts.${name};
        at = "${where}.accounts.${name}";
        stranger = kind: option: {
          assertion = one.kind == kind || one.${option} == null;
          message = "${at}.${option} is for accounts of the kind ${kind}, and this is one of the kind ${one.kind}";
        };
      in
      [
        {
          assertion = builtins.match "[A-Za-z][A-Za-z0-9_-]*" name != null;
          message = "${at}: a name begins with a letter and has only letters, digits, `_` and `-`";
        }
        {
          assertion = one.secretFile == null || !(lib.hasPrefix "${builtins.storeDir}/" one.secretFile);
          message = "${at}.secretFile lies in the Nix store, where everybody can read it";
        }
      ]
      ++ map (option: {
        assertion = one.${option} != null;
        message = "${at}.${option} is missing";
      }) needed.${one.kind}
      ++ concatMap (kind: map (stranger kind) own.${kind}) (attrNames own)
    ) (attrNames cfg.accounts);
}
