//! Servers that stand in for Vikunja and Todoist in tests.
