/*
 * From pcapng to what people see: interfaces that Outlet names "host:interface", comments by doc/CAPTURE.md, link types.
 * Captures of other programs have neither; then the interface's name stands for the place, and nothing is known of hosts.
 */
#include "tool/capread.h"
#include "base/check.h"
#include <stdio.h>
#include <string.h>

enum { LINKTYPE_NULL = 0, LINKTYPE_ETHERNET = 1, LINKTYPE_PPP = 9, LINKTYPE_PPP_HDLC = 50, LINKTYPE_RAW = 101, LINKTYPE_IPV4 = 228,
       LINKTYPE_IPV6 = 229 };

bool capread_open(struct capread *c)
{
	*c = (struct capread){ .reader = ol_capture_reader_new() };
	return c->reader;
}

void capread_close(struct capread *c)
{
	if (c->reader)
		ol_capture_reader_free(c->reader);
	c->reader = NULL;
}

/* "web:eth0" or "web.cap:eth0" */
static void place(struct capread_frame *out, const char *name)
{
	const char *colon = strrchr(name, ':');
	if (colon && !*out->host)
		snprintf(out->host, sizeof out->host, "%.*s", (int)(colon - name), name);
	snprintf(out->iface, sizeof out->iface, "%s", colon ? colon + 1 : name);
}

int capread_next(struct capread *c, struct capread_frame *out, const char **why)
{
	int got = ol_capture_reader_next(c->reader, &out->f);
	if (got < 0)
		*why = ol_capture_reader_why(c->reader);
	if (got <= 0)
		return got < 0 ? -1 : 0;
	const char *name = ol_capture_reader_iface(c->reader, out->f.iface);
	ol_capture_note_parse(out->f.comment, strlen(out->f.comment), &out->note);
	snprintf(out->host, sizeof out->host, "%s", out->note.host);
	place(out, name ? name : "");
	bool ppp = out->f.linktype == LINKTYPE_PPP || out->f.linktype == LINKTYPE_PPP_HDLC;
	out->readable = out->f.linktype == LINKTYPE_ETHERNET || out->f.linktype == LINKTYPE_RAW || out->f.linktype == LINKTYPE_IPV4 ||
			out->f.linktype == LINKTYPE_IPV6 || ppp;
	out->link = out->f.linktype == LINKTYPE_ETHERNET ? OL_LINK_ETHER : ppp ? OL_LINK_PPP : OL_LINK_IP;
	c->frames++;
	return 1;
}

struct lad_frame capread_lad(const struct capread_frame *f, char call[static 112])
{
	const struct ol_capture_note *n = &f->note;
	static const enum lad_way way[] = { [OL_CAPTURE_UNKNOWN] = LAD_WAY_UNKNOWN, [OL_CAPTURE_INBOUND] = LAD_WAY_IN,
					    [OL_CAPTURE_OUTBOUND] = LAD_WAY_OUT };
	snprintf(call, 112, "%s%s", n->call, *n->call && !strchr(n->call, '(') ? "()" : "");
	/* Only what ends a frame is a fate worth telling: one that was forwarded or waits for other fragments goes on. */
	bool dropped = strncmp(n->fate, "DROP", 4) == 0;
	return (struct lad_frame){
		.time = f->f.time_ns, .host = f->host, .iface = f->iface, .way = f->f.dir < ARRAY_LEN(way) ? way[f->f.dir] : LAD_WAY_UNKNOWN,
		.link = f->link, .p = f->f.data, .cap = f->f.len, .len = f->f.orig_len, .state = n->state, .call = call, .cause = n->cause,
		.fate = !dropped ? "" : *n->fate_text ? n->fate_text : n->fate, .wire = n->wire,
		.lost = strstr(n->wire, "lost") != NULL, .sock = n->sock,
	};
}
