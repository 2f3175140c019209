# A unit of systemd as a set of its sections, so that the modules share the texts below dist/ with
# `instep service install`. A setting that is there more than once is a list.
let
  inherit (builtins)
    elemAt
    filter
    foldl'
    isList
    isString
    match
    split
    ;

  rows = text: filter isString (split "\n" text);

  step =
    state: row:
    let
      heading = match "\\[(.*)]" row;
      setting = match "([A-Za-z]+)=(.*)" row;
      name = elemAt setting 0;
      value = elemAt setting 1;
      section = state.unit.${state.at};
      before = section.${name};
      added =
        if !(section ? ${name}) then
          value
        else if isList before then
          before ++ [ value ]
        else
          [
            before
            value
          ];
    in
    if match "(#.*)?" row != null then
      state
    else if heading != null then
      {
        at = elemAt heading 0;
        unit = state.unit // {
          ${elemAt heading 0} = { };
        };
      }
    else if setting != null then
      state
      // {
        unit = state.unit // {
          ${state.at} = section // {
            ${name} = added;
          };
        };
      }
    else
      throw "a line of a unit that is no setting: ${row}";
in
{
  # The sections of a text, each with its settings.
  read =
    text:
    (foldl' step {
      at = null;
      unit = { };
    } (rows text)).unit;

  # A word as systemd reads one, with nothing in it expanded.
  word = text: "\"${builtins.replaceStrings [ "\\" "\"" "%" ] [ "\\\\" "\\\"" "%%" ] text}\"";
}
