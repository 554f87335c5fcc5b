/* Settings: every one can be read, set to what it is, and refuses what it does not take. */
#include "unit.h"
#include <errno.h>
#include <outlet/ol_stack.h>

TEST(config_every_setting_reads_back)
{
	struct ol_config *cfg = ol_config_new();
	unsigned i;
	for (i = 0; ol_config_name(i); i++) {
		char was[64], is[64];
		const char *name = ol_config_name(i);
		ok(ol_config_help(i) && strlen(ol_config_help(i)) > 5);
		ok(ol_config_get(cfg, name, was, sizeof was) > 0);
		eq(ol_config_set(cfg, name, was), 0);
		ok(ol_config_get(cfg, name, is, sizeof is) > 0);
		eq_str(is, was);
		if (strcmp(name, "tcp_congestion_control"))
			eq(ol_config_set(cfg, name, "many"), -EINVAL);
		eq(ol_config_set(cfg, name, ""), -EINVAL);
		ol_config_get(cfg, name, is, sizeof is);
		eq_str(is, was);			/* a refused value changes nothing */
	}
	ok(i > 50);
	ok(!ol_config_help(i));
	ol_config_free(cfg);
}

/* req: 3376-8.1-a, 3810-9.1-a */
TEST(config_robustness_of_groups_is_never_zero)
{
	struct ol_config *cfg = ol_config_new();
	static const char *const names[] = { "igmp_qrv", "mld_qrv" };
	char text[8];
	for (int i = 0; i < 2; i++) {
		ol_config_get(cfg, names[i], text, sizeof text);
		eq_str(text, "2");
		eq(ol_config_set(cfg, names[i], "0"), -EINVAL);
		eq(ol_config_set(cfg, names[i], "8"), -EINVAL);
		eq(ol_config_set(cfg, names[i], "7"), 0);
	}
	eq(ol_config_set(cfg, "force_igmp_version", "4"), -EINVAL);
	eq(ol_config_set(cfg, "force_mld_version", "3"), -EINVAL);
	ol_config_free(cfg);
}

TEST(config_lists_and_triples)
{
	struct ol_config *cfg = ol_config_new();
	char text[64];
	const char *bad = NULL, *list = "tcp_sack=0, ip_default_ttl = 9,tcp_rmem=4096:540000:15728640,ip_local_port_range=1024 65535";
	eq(ol_config_set_list(cfg, list, NULL), 0);
	ol_config_get(cfg, "tcp_sack", text, sizeof text);
	eq_str(text, "0");
	ol_config_get(cfg, "ip_default_ttl", text, sizeof text);
	eq_str(text, "9");
	ol_config_get(cfg, "ip_local_port_range", text, sizeof text);
	eq_str(text, "1024:65535");
	list = "tcp_sack=1,nosuch=2,tcp_dsack=0";
	eq(ol_config_set_list(cfg, list, &bad), -ENOENT);
	ok(bad == strstr(list, "nosuch"));
	eq(ol_config_set_list(cfg, "ip_local_port_range=9 8", &bad), -EINVAL);
	eq(ol_config_set_list(cfg, "ip_local_port_range=9", &bad), -EINVAL);
	eq(ol_config_set_list(cfg, "ip_default_ttl", &bad), -EINVAL);
	eq(ol_config_set_list(cfg, "ip_default_ttl=256", &bad), -EINVAL);
	eq(ol_config_get(cfg, "nosuch", text, sizeof text), -ENOENT);
	eq(ol_config_set_list(cfg, "", &bad), 0);
	ol_config_free(cfg);
}
