# As much of a module system as the two modules use, so that they can be evaluated without nixpkgs:
# options with types and defaults, conditions, assertions. What it does not know it refuses.
let
  inherit (builtins)
    all
    attrNames
    concatStringsSep
    elem
    filter
    foldl'
    hasAttr
    isAttrs
    isBool
    isInt
    isList
    isString
    listToAttrs
    match
    toJSON
    ;

  at = concatStringsSep ".";
  isOption = value: isAttrs value && value._type or null == "option";

  # A type says what comes of a value at a place, or throws.
  simple = name: check: {
    inherit name;
    take =
      path: value:
      if check value then value else throw "A definition for option `${at path}' is not of type `${name}'.";
  };

  types = {
    bool = simple "boolean" isBool;
    str = simple "string" isString;
    anything = simple "anything" (_: true);
    package = simple "package" (value: isString value || value ? outPath);
    strMatching = pattern: simple "string matching the pattern ${pattern}" (
      value: isString value && match pattern value != null
    );
    ints = {
      positive = simple "positive integer" (value: isInt value && value > 0);
      unsigned = simple "unsigned integer" (value: isInt value && value >= 0);
    };
    enum = values: simple "one of ${toJSON values}" (value: elem value values);
    nullOr = inner: {
      name = "null or ${inner.name}";
      take = path: value: if value == null then null else inner.take path value;
    };
    listOf = inner: {
      name = "list of ${inner.name}";
      take =
        path: value:
        if isList value then
          map (inner.take path) value
        else
          throw "A definition for option `${at path}' is not of type `list of ${inner.name}'.";
    };
    attrsOf = inner: {
      name = "set of ${inner.name}";
      take =
        path: value:
        if isAttrs value then
          builtins.mapAttrs (name: inner.take (path ++ [ name ])) value
        else
          throw "A definition for option `${at path}' is not of type `set of ${inner.name}'.";
    };
    submodule = module: {
      name = "submodule";
      take = path: fill (module { name = builtins.elemAt path (builtins.length path - 1); }).options path;
    };
  };

  # What comes of a definition under a tree of options.
  fill =
    options: path: value:
    let
      unknown = if isAttrs value then filter (name: !(hasAttr name options)) (attrNames value) else [ ];
      one =
        name:
        let
          option = options.${name};
          here = path ++ [ name ];
        in
        if !(isOption option) then
          fill option here (value.${name} or { })
        else if hasAttr name value then
          option.type.take here value.${name}
        else
          option.default or (throw "The option `${at here}' is used but not defined.");
    in
    if !(isAttrs value) then
      throw "A definition for option `${at path}' is not a set."
    else if unknown != [ ] then
      throw "The option `${at (path ++ [ (builtins.head unknown) ])}' does not exist."
    else
      builtins.mapAttrs (name: _: one name) options;

  # Conditions carried out, so that plain values are left.
  settle =
    value:
    if !(isAttrs value) || value ? outPath then
      value
    else if value._type or null == "if" then
      if value.condition then settle value.content else { }
    else
      builtins.mapAttrs (_: settle) value;

  merge =
    path: one: two:
    if isAttrs one && isAttrs two then
      one
      // builtins.mapAttrs (
        name: value: if hasAttr name one then merge (path ++ [ name ]) one.${name} value else value
      ) two
    else if isList one && isList two then
      one ++ two
    else
      throw "The option `${at path}' has conflicting definition values.";

  lib = {
    inherit types;
    mkOption = option: option // { _type = "option"; };
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    optional = condition: value: if condition then [ value ] else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    recursiveUpdate =
      one: two:
      one
      // builtins.mapAttrs (
        name: value:
        if isAttrs value && isAttrs (one.${name} or null) then lib.recursiveUpdate one.${name} value else value
      ) two;
    unique = foldl' (known: one: if elem one known then known else known ++ [ one ]) [ ];
    hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
    escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";
    hm.dag.entryAfter = after: data: { inherit after data; };
  };
in
{
  inherit lib;

  # The config that comes of a module, a person's definitions and the options around the module.
  evaluate =
    {
      module,
      pkgs,
      around,
      definitions,
    }:
    let
      # What the module reads: the person's own words, what it makes of them as its only word about
      # itself, and what is there without it.
      own = made.options.services.instep;
      known = fill around [ ] { } // {
        services.instep = fill own [ "services" "instep" ] definitions.services.instep // {
          inherit (settled.services.instep) configText;
        };
      };
      made = module {
        inherit lib pkgs;
        config = known;
      };
      settled = settle made.config;
      options = merge [ ] around made.options;
      config = fill options [ ] (merge [ ] settled { inherit (definitions) services; });
      broken = filter (one: !one.assertion) config.assertions;
    in
    if all (one: one.assertion) config.assertions then
      config
    else
      throw "Failed assertions: ${concatStringsSep "; " (map (one: one.message) broken)}";
}
