# Values as TOML: texts, numbers, truth values and lists of them, tables, and lists of tables.
# What is null is left out. Nothing is built for it, so a config can be read without building.
let
  inherit (builtins)
    all
    attrNames
    concatStringsSep
    filter
    head
    isAttrs
    isList
    match
    toJSON
    ;

  # A text of JSON is a text of TOML.
  plain = value: if isList value then "[${concatStringsSep ", " (map plain value)}]" else toJSON value;
  key = name: if match "[A-Za-z0-9_-]+" name != null then name else toJSON name;
  inline =
    table: "{ ${concatStringsSep ", " (map (name: "${key name} = ${toJSON table.${name}}") (attrNames table))} }";
  isTables = value: isList value && value != [ ] && all isAttrs value;

  # Lines of one table: `order` names the keys that stand first.
  lines =
    order: table:
    let
      known = filter (name: table ? ${name}) order;
      rest = filter (name: !(builtins.elem name order)) (attrNames table);
      given = filter (name: table.${name} != null) (known ++ rest);
      line =
        name:
        let
          value = table.${name};
        in
        "${key name} = ${if isAttrs value then inline value else plain value}\n";
    in
    concatStringsSep "" (map line given);
in
{
  # The text of a file: `order` names keys that stand first in their table.
  render =
    order: file:
    let
      names = filter (name: file.${name} != null) (attrNames file);
      isTable = name: isAttrs file.${name};
      single = filter (name: !isTable name && !isTables file.${name} && file.${name} != [ ]) names;
      tables = filter (name: isTable name && lines order file.${name} != "") names;
      lists = filter (name: isTables file.${name}) names;
      top = lines order (builtins.listToAttrs (
        map (name: {
          inherit name;
          value = file.${name};
        }) single
      ));
      table = name: "\n[${key name}]\n${lines order file.${name}}";
      list = name: concatStringsSep "" (map (one: "\n[[${key name}]]\n${lines order one}") file.${name});
    in
    top + concatStringsSep "" (map table tables ++ map list lists);
}
