/*
 * The `outlet` command: finds the subcommand and hands over.  Nothing is decided here but what an unknown word gets.
 */
#include "tool/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct tool_cmd *const commands[] = {
	&cmd_run, &cmd_up, &cmd_down, &cmd_status, &cmd_hosts, &cmd_ss, &cmd_ladder, &cmd_capture, &cmd_ping, &cmd_wire,
	&cmd_counters, &cmd_explain, &cmd_script,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void say(const char *name, const char *fmt, va_list ap)
{
	fprintf(stderr, "outlet%s%s: ", name ? " " : "", name ? name : "");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int tool_fail(const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(name, fmt, ap);
	va_end(ap);
	return TOOL_FAILED;
}

int tool_usage(const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(name, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try `outlet %s%s--help`.\n", name ? name : "", name ? " " : "");
	return TOOL_USAGE;
}

bool tool_wants_help(int argc, char **argv)
{
	return argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"));
}

static int help(FILE *out)
{
	fputs("Usage: outlet COMMAND [ARGUMENTS]\n\n"
	      "Programs on a network of your own making: unmodified, without privileges, every packet in sight.\n\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`outlet COMMAND --help` says more about each.\n"
	      "Two terminals are enough:\n"
	      "  outlet run --host web -- python3 -m http.server\n"
	      "  outlet run curl http://web:8000/\n", out);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return TOOL_USAGE;
	}
	if (tool_wants_help(argc, argv) || !strcmp(argv[1], "help"))
		return help(stdout);
	if (!strcmp(argv[1], "--version")) {
		puts("outlet " OUTLET_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	return tool_usage(NULL, "there is no command `%s`", argv[1]);
}
