/* `outlet run`: a program on a host of a network. */
#include "tool/tool.h"

static int run(int argc, char **argv)
{
	(void)argc, (void)argv;
	return tool_fail("run", "not built yet");
}

const struct tool_cmd cmd_run = { "run", "run a program on a host of the network", run };
