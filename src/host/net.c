/*
 * Makes a network: out of a network file, or the default one, which is a switch `lan` with 10.77.0.0/16 and fd77::/64
 * and a host for every run.  All chance comes from one seed: each wire and each host gets one of its own, derived
 * from the seed and its name, so that a host more or less leaves the others' chance as it was.
 */
#include "host/net.h"
#include "host/netfile.h"
#include "host/resolver.h"
#include "host/tap.h"
#include "host/verb_capture.h"
#include <outlet/ol_serial.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1u << 20)		/* bytes of a network file */

static uint64_t seed_for(struct svc *s, const char *kind, const char *name)
{
	return siphash(sipkey_derive(s->seed, kind), name, strlen(name));
}

static void seed_config(struct svc *s, struct ol_config *cfg, const char *host)
{
	uint64_t half[2] = { seed_for(s, "host a", host), seed_for(s, "host b", host) };
	uint8_t seed[16];
	memcpy(seed, half, sizeof seed);
	ol_config_seed(cfg, seed);
}

/* ---- hosts made for runs ----------------------------------------------------------------------------------------- */
/* The address of somebody who forwards on this wire, for the default route; ver 0: nobody does. */
static struct ol_addr router_on(struct wire *w, int ver)
{
	for (unsigned p = 0; p < w->n_ports; p++) {
		struct vhost *h = w->ports[p].host;
		struct ol_addr a;
		unsigned plen;
		for (unsigned k = 0; h && h->forwarding && !ol_addr_get(h->stk, w->ports[p].ifi, k, &a, &plen); k++)
			if (a.ver == ver && !ol_addr_is_linklocal(&a))
				return a;
	}
	return (struct ol_addr){ 0 };
}

static int add_default_route(struct vhost *h, const struct ol_addr *via, int ifi)
{
	struct ol_route r = { .gateway = *via, .ifi = ifi, .dst.ver = via->ver };
	return ol_route_add(h->stk, &r);
}

struct vhost *net_guest_host(struct svc *s, const char *name, char *why, size_t why_len)
{
	struct wire *w = s->guest_wire;
	struct ol_config *cfg = s->n_hosts < SVC_MAX_HOSTS ? ol_config_new() : NULL;
	if (!cfg) {
		snprintf(why, why_len, "the network has %u hosts already, and no more fit", s->n_hosts);
		return NULL;
	}
	seed_config(s, cfg, name);
	struct vhost *h = vhost_new(s, name, cfg);
	ol_config_free(cfg);
	int ifi = h ? vhost_attach(h, w, "eth0", NULL, 0) : -ENOMEM;
	bool any = false;
	if (ifi > 0)
		nic_ip6_begin(h, ifi, w, NULL);
	for (int family = 4; ifi > 0 && family <= 6; family += 2) {
		struct ol_addr a;
		unsigned plen;
		if (!wire_next_addr(w, family, &a, &plen) || ol_addr_add(h->stk, ifi, &a, plen))
			continue;
		any = true;
		struct ol_addr via = router_on(w, family);
		if (via.ver)
			add_default_route(h, &via, ifi);
	}
	if (any) {
		resolver_resume(h);
		return h;
	}
	if (h)
		vhost_free(h);
	snprintf(why, why_len, "no host can be added to the network: %s",
		 ifi < 0 ? strerror(-ifi) : "all addresses of its wire are taken");
	return NULL;
}

static int build_default(struct svc *s, char *why, size_t why_len)
{
	struct wire *w = wire_new(s, "lan", OL_LINK_ETHER, false, 0, seed_for(s, "wire", "lan"));
	if (!w) {
		snprintf(why, why_len, "not enough memory for the network");
		return -ENOMEM;
	}
	CHECK(ol_prefix_parse("10.77.0.0/16", &w->subnet[0].net, &w->subnet[0].plen));
	CHECK(ol_prefix_parse("fd77::/64", &w->subnet[1].net, &w->subnet[1].plen));
	s->guest_wire = w;
	return 0;
}

/* ---- out of a file ----------------------------------------------------------------------------------------------- */
static int build_wires(struct svc *s, const struct netfile *nf, char *why, size_t why_len)
{
	for (unsigned i = 0; i < nf->n_wires; i++) {
		const struct nf_wire *f = &nf->wire[i];
		struct wire *w = wire_new(s, f->name, f->link, f->strict, f->mtu, seed_for(s, "wire", f->name));
		if (!w) {
			snprintf(why, why_len, "line %d: the wire %s cannot be made: not enough memory", f->line,
				 f->name);
			return -ENOMEM;
		}
		for (int v = 0; v < 2; v++) {
			w->subnet[v].net = f->subnet[v].addr;
			w->subnet[v].plen = f->subnet[v].plen;
		}
		ol_wire_set_faults(w->w, OL_WIRE_ALL_PORTS, OL_WIRE_IN, &f->faults, s->loop.now);
		char reason[512];
		int err = f->tap[0] ? tap_attach(w, f->tap, reason, sizeof reason) : 0;
		w->outside = f->tap[0];
		if (err) {
			snprintf(why, why_len, "line %d: the wire %s cannot reach the machine: %s", f->line, f->name,
				 reason);
			return err;
		}
		if (nf->guests == (int)i)
			s->guest_wire = w;
	}
	return 0;
}

static int build_nic(struct vhost *h, const struct nf_nic *f, struct wire *w)
{
	int ifi = vhost_attach(h, w, f->name, f->has_mac ? &f->mac : NULL, f->mtu);
	if (ifi < 0)
		return ifi;
	int err = ol_iface_acd(h->stk, ifi, f->acd, f->defend);
	if (!err)
		err = nic_ip6_begin(h, ifi, w, f);
	for (unsigned i = 0; i < f->n_addrs && !err; i++)
		err = ol_addr_add(h->stk, ifi, &f->addr[i].addr, f->addr[i].plen);
	int last = f->autoconf == NF_YES ? 4 : 6;	/* IPv6 addresses come by themselves, or the subnet gives one */
	for (int family = f->rarp ? 6 : 4; !f->n_addrs && !err && family <= last; family += 2) {
		struct ol_addr a;
		unsigned plen;
		if (wire_next_addr(w, family, &a, &plen))
			err = ol_addr_add(h->stk, ifi, &a, plen);
	}
	if (!err && f->linklocal)
		err = ol_iface_linklocal4(h->stk, ifi, true);
	for (unsigned i = 0; i < f->n_table && !err; i++)
		err = ol_rarp_serve(h->stk, ifi, &f->table[i].mac, &f->table[i].addr);
	if (f->rarp && !err)
		err = ol_rarp_ask(h->stk, ifi);
	if (f->peer.ver && !err)
		err = ol_ppp_peer(h->stk, ifi, &f->peer);
	if (!err)
		err = nic_ip6_advertise(h, ifi, &f->adv);
	if (f->has_in)
		ol_wire_set_faults(w->w, (int)h->nic[ifi].port, OL_WIRE_IN, &f->in, h->svc->loop.now);
	if (f->has_out)
		ol_wire_set_faults(w->w, (int)h->nic[ifi].port, OL_WIRE_OUT, &f->out, h->svc->loop.now);
	return err;
}

/* Interfaces with addresses of their own come first, so that given-out addresses cannot be theirs. */
static int build_nics(struct svc *s, const struct netfile *nf, bool given, char *why, size_t why_len)
{
	for (unsigned i = 0; i < nf->n_hosts; i++) {
		const struct nf_host *f = &nf->host[i];
		struct vhost *h = vhost_find(s, f->name);
		bool all_given = true;
		for (unsigned k = 0; k < f->n_nics; k++)
			all_given &= f->nic[k].n_addrs > 0;
		for (unsigned k = 0; k < f->n_nics && all_given == given; k++) {
			int err = build_nic(h, &f->nic[k], wire_find(s, nf->wire[f->nic[k].wire].name));
			if (err) {
				snprintf(why, why_len, "line %d: the interface %s of %s cannot be made: %s",
					 f->nic[k].line, f->nic[k].name, f->name, strerror(-err));
				return err;
			}
		}
	}
	return 0;
}

static int build_host(struct svc *s, const struct nf_host *f, char *why, size_t why_len)
{
	struct ol_config *cfg = ol_config_new();
	if (!cfg) {
		snprintf(why, why_len, "not enough memory for the host %s", f->name);
		return -ENOMEM;
	}
	seed_config(s, cfg, f->name);
	int err = 0;
	if (f->forwarding &&
	    ((err = ol_config_set(cfg, "ip_forward", "1")) || (err = ol_config_set(cfg, "forwarding", "1"))))
		snprintf(why, why_len, "line %d: this build cannot forward datagrams", f->line);
	for (unsigned i = 0; i < f->n_settings && !err; i++) {
		err = ol_config_set(cfg, f->setting[i].key, f->setting[i].value);
		if (err)
			snprintf(why, why_len, "line %d: %s", f->setting[i].line,
				 err == -ENOENT ? "there is no such setting; outlet "
						  "run -- sysctl has none of them, the list is in doc/NETWORK-FILE.md"
						: "the setting does not take this value");
	}
	struct vhost *h = err ? NULL : vhost_new(s, f->name, cfg);
	ol_config_free(cfg);
	if (!h && !err) {
		snprintf(why, why_len, "not enough memory for the host %s", f->name);
		err = -ENOMEM;
	}
	if (h) {
		h->of_file = true;
		h->forwarding = f->forwarding;
	}
	return err;
}

static int build_routes(struct svc *s, const struct nf_host *f, char *why, size_t why_len)
{
	struct vhost *h = vhost_find(s, f->name);
	for (unsigned i = 0; i < f->n_routes; i++) {
		struct ol_route r = {
			.dst = f->route[i].to.addr,
			.plen = f->route[i].to.plen,
			.gateway = f->route[i].via,
			.metric = f->route[i].metric,
		};
		int err = ol_route_add(h->stk, &r);
		if (err) {
			snprintf(why, why_len, "line %d: %s does not take this route: %s", f->route[i].line, f->name,
				 err == -EEXIST				 ? "it has one to the same place already"
				 : err == -ENETUNREACH || err == -EINVAL ? "its gateway is on none of the host's wires"
									 : strerror(-err));
			return err;
		}
	}
	return 0;
}

static int build(struct svc *s, const struct netfile *nf, char *why, size_t why_len)
{
	if (nf->has_seed) {
		memset(s->seed, 0, sizeof s->seed);
		memcpy(s->seed, &nf->seed, sizeof nf->seed);
		s->seeded = true;
	}
	int err = build_wires(s, nf, why, why_len);
	for (unsigned i = 0; i < nf->n_hosts && !err; i++)
		err = build_host(s, &nf->host[i], why, why_len);
	if (!err)
		err = build_nics(s, nf, true, why, why_len);
	if (!err)
		err = build_nics(s, nf, false, why, why_len);
	for (unsigned i = 0; i < nf->n_hosts && !err; i++)
		err = build_routes(s, &nf->host[i], why, why_len);
	for (unsigned i = 0; i < nf->n_captures && !err; i++)
		err = capture_to_file(s, &nf->capture[i], nf, why, why_len);
	return err;
}

static char *read_whole(const char *path, size_t *len, char *why, size_t why_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		snprintf(why, why_len, "cannot read the network file %s: %s", path,
			 fd < 0 ? strerror(errno) : "it is no file");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	char *text = malloc(MAX_FILE);
	size_t at = 0;
	ssize_t n = 0;
	while (text && at < MAX_FILE && (n = read(fd, text + at, MAX_FILE - at)) > 0)
		at += (size_t)n;
	close(fd);
	if (!text || n < 0 || at == MAX_FILE) {
		snprintf(why, why_len, "cannot read the network file %s: %s", path,
			 at == MAX_FILE ? "it is longer than 1 MiB" : strerror(errno));
		free(text);
		return NULL;
	}
	*len = at;
	return text;
}

int net_build(struct svc *s, char *why, size_t why_len)
{
	resolver_config(s, "/etc/resolv.conf");
	if (!s->file[0])
		return build_default(s, why, why_len);
	size_t len;
	char *text = read_whole(s->file, &len, why, why_len);
	if (!text)
		return -ENOENT;
	struct netfile nf;
	char reason[896];
	int err = netfile_read(&nf, text, len, reason, sizeof reason);
	free(text);
	if (!err) {
		err = build(s, &nf, reason, sizeof reason);
		netfile_free(&nf);
	}
	list_for(n, &s->hosts)
		resolver_resume(list_of(n, struct vhost, node));
	if (err)
		snprintf(why, why_len, "%s, %s", s->file, reason);
	return err;
}

void net_close(struct svc *s) { capture_close_files(s); }
