# What both modules let a person set. A secret is only ever named by its file: there is no option
# that would take the secret itself, since everything that Nix is told can be read by all.
{ lib, package }:
let
  inherit (lib) mkOption types;

  given = description: type: default: mkOption { inherit description type default; };
  orNull = description: type: given description (types.nullOr type) null;
  absolute = types.strMatching "/.+";

  account =
    { name, ... }:
    {
      options = {
        id = given "What the account is known by in the hub. It stays when the account gets another name." types.str name;
        kind = mkOption {
          description = "The kind of service.";
          type = types.enum [
            "taskwarrior"
            "vikunja"
            "file"
          ];
        };
        direction = given "Which way changes travel." (types.enum [
          "both"
          "to-remote"
          "from-remote"
        ]) "both";
        project = given "Only tasks in these projects or below." (types.listOf types.str) [ ];
        tag = given "Only tasks with these tags." (types.listOf types.str) [ ];
        notTag = given "No task with these tags." (types.listOf types.str) [ ];
        conflicts = orNull "What counts when both sides change one field: newest, ask or prefer:NAME." types.str;
        url = orNull "vikunja: the server's address." (types.strMatching "https?://.+");
        secretFile = orNull "vikunja: the file whose first line is the API token." absolute;
        taskrc = orNull "taskwarrior: its configuration file." absolute;
        data = orNull "taskwarrior: its data directory, where that is not what the taskrc says." absolute;
        program = orNull "taskwarrior: the program." absolute;
        runHooks = given "taskwarrior: whether Instep's own writes run Taskwarrior's hooks." types.bool false;
        path = orNull "file: the file." absolute;
        priorityHighIsOne = given "file: whether priority 1 is the highest." types.bool false;
      };
    };
in
{
  enable = given "Whether Instep keeps your tasks in step." types.bool false;
  package = mkOption {
    description = "The package.";
    type = types.package;
    default = package;
  };
  accounts = given "The accounts, by name." (types.attrsOf (types.submodule account)) { };
  timezone = orNull "The time zone that days are meant in, such as Europe/Berlin; the computer's by default." types.str;
  conflicts = orNull "What counts when both sides change one field, for all accounts." types.str;
  callsPerSec = orNull "Calls of one account in a second, at most; 0 for any number." types.ints.unsigned;

  daemon = {
    enable = given "Whether the daemon runs." types.bool true;
    pollSecs = orNull "How often each account is looked at, in seconds; 0 for never." types.ints.unsigned;
    parallelReads = orNull "How many reads of one look at a server are under way at once." types.ints.positive;
    log = orNull "How much is logged." (types.enum [
      "off"
      "error"
      "warn"
      "info"
      "debug"
      "trace"
    ]);
    alarmCommand = orNull "What is run when an account stays silent." types.str;
  };
  webhooks = {
    listen = orNull "The address that webhooks are taken at, such as 127.0.0.1:7117." (types.strMatching ".+:[0-9]+");
    publicUrl = orNull "The address that services reach it by." (types.strMatching "https?://.+");
  };
  breaker = {
    enable = given "Whether a service that keeps failing is left alone for a while." types.bool true;
    failures = orNull "After how many failures in a row." types.ints.positive;
    openSecs = orNull "For how long, in seconds." types.ints.positive;
  };
  fullSync = {
    enable = given "Whether a timer has everything looked at, beside the daemon's own sweep." types.bool false;
    onCalendar = given "When, as systemd.time(7) writes it." types.str "daily";
  };
  configText = mkOption {
    description = "The config that comes of it.";
    type = types.str;
    internal = true;
    readOnly = true;
  };
}
