/*
 * Reads network files: what a file may say is in doc/NETWORK-FILE.md.  Here are the file as a whole and its captures;
 * netfile_wire.c, netfile_nic.c and netfile_host.c have the keys of the other parts, netfile_yaml.c reads values, netfile_check.c holds
 * the parts against each other.  Files come from people, so the first mistake is told well.
 */
#include "host/netfile_int.h"
#include "base/check.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- captures and the top ---------------------------------------------------------------------------------------- */
static bool capture_file(struct nf_parser *p, nf_node *v, void *into)
{
	const char *s = nf_text(p, v, "file");
	if (!s)
		return false;
	((struct nf_capture *)into)->file = strdup(s);
	return ((struct nf_capture *)into)->file || nf_wrong(p, nf_line_of(v), "not enough memory");
}
static bool capture_host(struct nf_parser *p, nf_node *v, void *into)
{
	const char *s = nf_text(p, v, "host");
	if (!s)
		return false;
	((struct nf_capture *)into)->host = nf_find_host(p->nf, s);
	return ((struct nf_capture *)into)->host >= 0 || nf_wrong(p, nf_line_of(v), "there is no host %s", s);
}
static bool capture_wire(struct nf_parser *p, nf_node *v, void *into)
{
	return nf_wire_ref(p, v, &((struct nf_capture *)into)->wire);
}
static bool capture_interface(struct nf_parser *p, nf_node *v, void *into)
{
	char *out = ((struct nf_capture *)into)->interface;
	const char *s = nf_text(p, v, "interface");
	if (s && !strcmp(s, "lo"))
		memcpy(out, "lo", 3);
	return s && (out[0] || nf_interface_name(p, v, out));
}
static const struct nf_key capture_keys[] = {
	{ "file", capture_file },
	{ "host", capture_host },
	{ "wire", capture_wire },
	{ "interface", capture_interface },
};

static bool capture_one(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	struct nf_capture *c = nf_grow(p, v, &p->nf->capture, &p->nf->n_captures, sizeof *c, NF_MAX_CAPTURES, "captures");
	if (!c)
		return false;
	c->line = nf_line_of(v);
	c->host = c->wire = -1;
	if (!NF_READ_MAP(p, v, "a capture", capture_keys, c))
		return false;
	if (!c->file)
		return nf_wrong(p, c->line, "a capture needs `file: NAME.pcapng`");
	return c->wire < 0 || (c->host < 0 && !c->interface[0]) ||
	       nf_wrong(p, c->line, "a capture is of a wire or of a host, not of both");
}
static bool read_captures(struct nf_parser *p, nf_node *v, void *into) { return nf_each(p, v, capture_one, into); }

static bool read_seed(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	p->nf->has_seed = true;
	return nf_number(p, v, "seed", 0, UINT64_MAX, &p->nf->seed);
}

static bool read_guests(struct nf_parser *p, nf_node *v, void *into)
{
	(void)into;
	if (!nf_wire_ref(p, v, &p->nf->guests))
		return false;
	const struct nf_wire *w = &p->nf->wire[p->nf->guests];
	return w->subnet[0].addr.ver || w->subnet[1].addr.ver ||
	       nf_wrong(p, nf_line_of(v), "the wire %s needs a subnet, so that guests can be given addresses", w->name);
}

static bool read_routers(struct nf_parser *p, nf_node *v, void *into)
{
	p->routers = true;
	bool good = nf_read_hosts(p, v, into);
	p->routers = false;
	return good;
}

static bool later(struct nf_parser *p, nf_node *v, void *into)
{
	(void)p, (void)v, (void)into;
	return true;
}

/* Sections refer to those before them, whatever their order in the file; so each is read in its own pass. */
static bool read_top(struct nf_parser *p, nf_node *root)
{
	static const struct nf_key sections[] = {
		{ "seed", read_seed },	 { "wires", nf_read_wires },   { "routers", read_routers },
		{ "hosts", nf_read_hosts }, { "guests", read_guests }, { "captures", read_captures },
	};
	struct nf_key keys[ARRAY_LEN(sections)];
	for (size_t pass = 0; pass < ARRAY_LEN(sections); pass++) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			keys[i] = (struct nf_key){ sections[i].name, i == pass ? sections[i].read : later };
		if (!NF_READ_MAP(p, root, "a network file", keys, NULL))
			return false;
	}
	if (!p->nf->n_wires)
		return nf_wrong(p, 1, "the network has no wire; list at least one under `wires:`");
	if (!p->nf->n_hosts && p->nf->guests < 0)
		return nf_wrong(p, 1,
			     "the network has no host; list some under `hosts:`, or name a wire for guests with "
			     "`guests: NAME`");
	return nf_check_ends(p) && nf_check_addresses(p);
}

int netfile_read(struct netfile *nf, const char *bytes, size_t len, char *why, size_t why_len)
{
	*nf = (struct netfile){ .guests = -1 };
	struct nf_parser p = { .nf = nf, .why = why, .why_len = why_len };
	yaml_parser_t y;
	yaml_document_t doc;
	int line = 0;
	why[0] = 0;
	if (nf_has_alias(bytes, len, &line)) {
		nf_wrong(&p, line, "aliases (*name) are not taken in network files; write it out");
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&y)) {
		snprintf(why, why_len, "not enough memory");
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&y, (const unsigned char *)bytes, len);
	bool good = false;
	if (!yaml_parser_load(&y, &doc)) {
		nf_wrong(&p, (int)y.problem_mark.line + 1, "this is no YAML: %s",
		      y.problem ? y.problem : "it cannot be read");
	} else {
		p.doc = &doc;
		nf_node *root = yaml_document_get_root_node(&doc);
		good = root ? read_top(&p, root)
			    : nf_wrong(&p, 1, "the file is empty; doc/NETWORK-FILE.md shows what belongs into one");
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&y);
	if (!good)
		netfile_free(nf);
	return good ? 0 : -EINVAL;
}

void netfile_free(struct netfile *nf)
{
	for (unsigned i = 0; i < nf->n_hosts; i++) {
		for (unsigned k = 0; k < nf->host[i].n_settings; k++) {
			free(nf->host[i].setting[k].key);
			free(nf->host[i].setting[k].value);
		}
		for (unsigned k = 0; k < nf->host[i].n_nics; k++)
			free(nf->host[i].nic[k].table);
		free(nf->host[i].nic);
		free(nf->host[i].route);
		free(nf->host[i].setting);
	}
	for (unsigned i = 0; i < nf->n_captures; i++)
		free(nf->capture[i].file);
	free(nf->wire);
	free(nf->host);
	free(nf->capture);
	*nf = (struct netfile){ .guests = -1 };
}
