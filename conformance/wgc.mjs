// WunderGraph's command line, which keeps a folder of its own in one's home, has it where it runs. argv: as of wgc.
process.env.XDG_CONFIG_HOME = process.cwd();
await import('wgc');
