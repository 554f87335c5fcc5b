/* Addresses that are probed before they are used (RFC 5227), and given up: what the internet floor makes of it. */
#include "world.h"
#include <errno.h>

enum { FIRST, OTHER, ETH = 2 };
static struct world w;

static void start(enum ol_acd acd)
{
	world_new(&w);
	for (int i = 0; i < 2; i++) {
		host_new(&w, NULL);
		iface_new(&w, i, OL_LINK_ETHER, 1500, 0);
		eq(link_iface_acd(w.h[i].link, ETH, acd, OL_DEFEND_ONCE), 0);
	}
	join(&w, FIRST, ETH, OTHER, ETH);
}

static bool has(int host, const char *a)
{
	struct ol_addr want = ip(a);
	return net_is_local(w.h[host].net, &want, 0);
}

static enum ol_err way(int host, const char *to)
{
	struct net_path path;
	struct ol_addr dst = ip(to);
	return net_route(w.h[host].net, &dst, NULL, 0, &path);
}

/* req: 5227-2.1-a with OL_ACD_PROBE: neither a source nor a destination before it is ours */
TEST(an_address_under_probing_is_not_used)
{
	start(OL_ACD_PROBE);
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	route(&w, FIRST, "0.0.0.0/0", "10.0.0.9", 0);		/* the way there is known at once */
	ok(!has(FIRST, "10.0.0.1"));
	eq(way(FIRST, "10.0.0.2"), OL_ERR_ADDRNOTAVAIL);
	eq(way(FIRST, "8.8.8.8"), OL_ERR_ADDRNOTAVAIL);
	eq(send_to(&w, FIRST, NULL, "10.0.0.2", 17, 40, 0, false), OL_DROP_IP_NO_SOURCE);
	struct ol_addr a = ip("10.0.0.1"), b = ip("10.0.0.2");
	eq(net_addr_add(w.h[FIRST].net, ETH, &a, 24, w.now), -EEXIST);
	pass(&w, 3900 * OL_MS);
	ok(!has(FIRST, "10.0.0.1"));
	pass(&w, 3200 * OL_MS);
	ok(has(FIRST, "10.0.0.1"));
	eq(way(FIRST, "8.8.8.8"), OL_OK);
	addr(&w, OTHER, ETH, "10.0.0.2/24");
	pass(&w, 8 * OL_SEC);
	eq(send_to(&w, FIRST, NULL, "10.0.0.2", 17, 40, 0, false), OL_DONE);
	pump(&w);
	eq(w.h[OTHER].n_up, 1);
	eq(net_addr_del(w.h[OTHER].net, ETH, &b, w.now), 0);
	addr(&w, OTHER, ETH, "10.0.0.2/24");			/* and taken away while it is probed */
	eq(net_addr_del(w.h[OTHER].net, ETH, &b, w.now), 0);
	eq(w.h[OTHER].wheel.count, 0);
	world_end(&w);
}

/* req: 5227-2.1.1-b */
TEST(the_second_host_with_an_address_does_not_get_it)
{
	start(OL_ACD_PROBE);
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	pass(&w, 10 * OL_SEC);
	addr(&w, OTHER, ETH, "10.0.0.1/24");
	pass(&w, 10 * OL_SEC);
	ok(has(FIRST, "10.0.0.1"));
	ok(!has(OTHER, "10.0.0.1"));
	eq(way(OTHER, "10.0.0.5"), OL_ERR_NETUNREACH);		/* its route went too */
	eq(link_count(w.h[OTHER].link, OL_DROP_ARP_TAKEN), 1);
	eq(link_count(w.h[FIRST].link, OL_DROP_ARP_CONFLICT), 0);
	world_end(&w);
}

/* Two that probe at once: neither has it before the other speaks, so one at least gives way. */
TEST(two_hosts_that_probe_at_once_do_not_both_get_the_address)
{
	start(OL_ACD_PROBE);
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	addr(&w, OTHER, ETH, "10.0.0.1/24");
	pass(&w, 20 * OL_SEC);
	ok(!(has(FIRST, "10.0.0.1") && has(OTHER, "10.0.0.1")));
	world_end(&w);
}

/* req: 5227-2.4-a */
TEST(an_address_given_up_goes_with_its_routes)
{
	start(OL_ACD_ANNOUNCE);
	w.w[0].cut = true;					/* so that neither hears the other's announcements */
	addr(&w, FIRST, ETH, "10.0.0.1/24");
	addr(&w, OTHER, ETH, "10.0.0.1/24");
	addr(&w, OTHER, ETH, "10.0.0.2/24");
	eq(link_iface_acd(w.h[OTHER].link, ETH, OL_ACD_ANNOUNCE, OL_DEFEND_NEVER), 0);
	pass(&w, 10 * OL_SEC);
	ok(has(FIRST, "10.0.0.1") && has(OTHER, "10.0.0.1"));
	w.w[0].cut = false;
	send_to(&w, FIRST, NULL, "10.0.0.7", 17, 40, 0, false);	/* the other hears a question of the first */
	pass(&w, 10 * OL_SEC);
	ok(has(FIRST, "10.0.0.1"));
	ok(!has(OTHER, "10.0.0.1"));
	ok(has(OTHER, "10.0.0.2"));
	eq(way(OTHER, "10.0.0.5"), OL_OK);				/* by the other address of the net */
	world_end(&w);
}

static struct ol_mac replied_to;
static bool see_reply(struct ol_pkt *pkt)
{
	if (pkt->data[12] == 0x08 && pkt->data[13] == 0x06 && pkt->data[21] == 2)
		memcpy(replied_to.b, pkt->data, 6);
	return true;
}

/* req: 3927-2.5-c, 5227-2.6-a the answer of a link-local address goes to all; another's to who asked */
TEST(answers_about_link_local_addresses_go_to_all)
{
	for (int ll = 0; ll < 2; ll++) {
		start(OL_ACD_OFF);
		addr(&w, FIRST, ETH, ll ? "169.254.1.5/16" : "10.0.0.1/24");
		addr(&w, OTHER, ETH, ll ? "169.254.9.9/16" : "10.0.0.2/24");
		w.w[0].tap = see_reply;
		send_to(&w, FIRST, NULL, ll ? "169.254.9.9" : "10.0.0.2", 17, 40, 0, false);
		pump(&w);
		eq(w.h[OTHER].n_up, 1);
		eq(replied_to.b[0], ll ? 0xff : 2);
		world_end(&w);
	}
}
