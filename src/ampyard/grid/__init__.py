"""The grid's own protocols: what site controllers push, OSCP 2.0 as flexibility provider, OpenADR 3 as VEN."""
