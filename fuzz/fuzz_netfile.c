/*
 * Network files: any text is refused with a sentence or read; what was read keeps the bounds that builders rely on; and
 * a small network that asks nothing of the machine (no TAP, no capture) is built, turned for a while and taken down.
 */
#include <string.h>
#include "box.h"
#include "host/netfile.h"

static void look(const struct netfile *nf)
{
	must(nf->n_wires <= NF_MAX_WIRES && nf->n_hosts <= NF_MAX_HOSTS && nf->n_captures <= NF_MAX_CAPTURES);
	must(nf->guests >= -1 && nf->guests < (int)nf->n_wires);
	for (unsigned i = 0; i < nf->n_hosts; i++) {
		const struct nf_host *h = &nf->host[i];
		must(h->name[0] && strlen(h->name) <= NF_NAME_MAX && h->line > 0);
		must(h->n_nics <= NF_MAX_NICS && h->n_routes <= NF_MAX_ROUTES && h->n_settings <= NF_MAX_SETTINGS);
		for (unsigned k = 0; k < h->n_nics; k++)
			must(h->nic[k].wire < nf->n_wires && h->nic[k].n_addrs <= NF_MAX_ADDRS && h->nic[k].name[0]);
	}
	for (unsigned i = 0; i < nf->n_captures; i++)
		must(nf->capture[i].file && nf->capture[i].host < (int)nf->n_hosts &&
		     nf->capture[i].wire < (int)nf->n_wires);
}

static bool harmless(const struct netfile *nf)
{
	for (unsigned i = 0; i < nf->n_wires; i++)
		if (nf->wire[i].tap[0])
			return false;
	return !nf->n_captures && nf->n_hosts <= 8 && nf->n_wires <= 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct box b;
	struct netfile nf;
	char why[256] = "";
	if (netfile_read(&nf, (const char *)data, size, why, sizeof why)) {
		must(*why && !nf.host && !nf.wire && !nf.capture);
		return 0;
	}
	look(&nf);
	bool build = harmless(&nf);
	netfile_free(&nf);
	if (!build)
		return 0;
	if (box_up(&b, (const char *)data, size))
		for (int i = 0; i < 3; i++)
			box_turn(&b, 400 * OL_MS);
	box_down(&b);
	return 0;
}
