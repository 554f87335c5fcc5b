#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H
/*
 * The `outlet` command is a row of subcommands.  Each lives in its own cmd_NAME.c, defines one struct tool_cmd, is declared
 * here and listed in main.c's table; nothing else ties them together.
 */
#include <stdbool.h>

struct tool_cmd {
	const char *name;
	const char *summary;				/* one line for `outlet --help` */
	int (*run)(int argc, char **argv);		/* argv[0] is the subcommand's name; returns the exit status */
};

enum {
	TOOL_OK = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,		/* the command line is wrong; a sentence and a pointer to --help went to stderr */
	TOOL_OUTLET = 125,	/* `run` only: Outlet itself failed, the program never ran (as env(1) and timeout(1) do) */
	TOOL_NO_EXEC = 126,	/* `run` only: the program is there and cannot be executed */
	TOOL_NO_PROGRAM = 127,	/* `run` only: there is no such program */
};

extern const struct tool_cmd cmd_run, cmd_up, cmd_down, cmd_status, cmd_hosts, cmd_ss, cmd_ping, cmd_wire, cmd_counters, cmd_explain;
extern const struct tool_cmd cmd_capture, cmd_ladder, cmd_script;

/** Prints "outlet NAME: sentence" on stderr.  @return TOOL_FAILED, so that `return tool_fail(...)` reads well. */
int tool_fail(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** As tool_fail, and points at `outlet NAME --help`.  @return TOOL_USAGE */
int tool_usage(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** True if argv[1] asks for help (-h or --help). */
bool tool_wants_help(int argc, char **argv);

/**
 * Which network is meant: arg (--net's), else the environment's OUTLET_NET, else the default one.  A word with a '/' or
 * ending in .yaml or .yml is a network file, and its network is named after it.
 */
struct tool_net { char name[64]; const char *file; };	/* file: NULL, or what was given */
int tool_net(struct tool_net *net, const char *arg);	/* 0; else the word makes no name, and a sentence went to stderr */

#endif
