/*
 * The language of scripts (src/script): any bytes are a script or earn one sentence with a line; a script that is one runs to its
 * end, whatever it asks of the stack.  The first byte chooses the family.
 */
#include "script/script.h"
#include "must.h"
#include <string.h>

static void ignore(void *arg, const char *line)
{
	must(!arg && line);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct script s;
	if (len < 1)
		return 0;
	bool ok = script_parse(&s, "fuzz", (const char *)p + 1, len - 1, (enum script_ip)(p[0] % SCRIPT_N_IP));
	must(ok == !*s.error);
	if (ok) {
		struct script_result r = script_run(&s, "", ignore, NULL);
		must(r.passed == !*r.sentence);
	} else {
		must(!strncmp(s.error, "fuzz:", 5));
		must(!strchr(s.error, '\n') || strchr(s.error, '`'));
	}
	script_free(&s);
	return 0;
}
