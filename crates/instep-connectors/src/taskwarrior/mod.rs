//! Taskwarrior 2.6 and 3: its command line everywhere, its library on 3 where the schema allows.
