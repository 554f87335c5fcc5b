/* Which network a command line means. */
#include "ipc/ipc.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && !strcmp(s + n - m, end);
}

int tool_net(struct tool_net *net, const char *arg)
{
	const char *word = arg ? arg : getenv("OUTLET_NET");
	if (!word || !*word)
		word = IPC_NET_DEFAULT;
	bool yaml = ends_with(word, ".yaml"), yml = ends_with(word, ".yml");
	*net = (struct tool_net){ .file = yaml || yml || strchr(word, '/') ? word : NULL };
	const char *slash = strrchr(word, '/'), *base = slash ? slash + 1 : word;
	int len = (int)strlen(base) - (yaml ? 5 : yml ? 4 : 0);
	int n = snprintf(net->name, sizeof net->name, "%.*s", len, base);
	if (n > 0 && (size_t)n < sizeof net->name && ipc_net_name_ok(net->name))
		return 0;
	fprintf(stderr, "outlet: `%s` does not name a network: 1 to %d letters, digits, '-', '_' or '.', or a network file\n", word,
		IPC_NET_NAME_MAX);
	return -1;
}
