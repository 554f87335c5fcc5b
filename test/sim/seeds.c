/* Seeds with which something was once wrong, each with what it was. */
#include "unit.h"
#include "scenario.h"

static void again(const char *scenario, uint64_t seed)
{
	const struct scenario *sc = scenario_find(scenario);
	ok(sc != NULL);
	ok(scenario_run(sc, seed, NULL, NULL).took > 0);
}

/* It sent segments that its own host refused, one retransmission timeout after the other, until R1. */
TEST(a_path_mtu_learnt_by_one_connection_is_known_to_the_next) { again("tcp_routers", 0x3); }
/* Behind a retransmission that SACK blocks had made shorter the records no longer lay where the peer's segments did. */
TEST(a_shortened_retransmission_leaves_the_scoreboard_in_step) { again("tcp_crowd", 0x33); }
/* A SYN-ACK that answered a repeated SYN was not noted, though text was under way behind the first (RFC 7413). */
TEST(a_fast_open_notes_every_syn_ack) { again("tcp_fast", 0x3); }
/* Its window full of answer but for one number, a server that had not met the client's ACK yet closed (tcp_fastopen_server.c, too). */
TEST(a_fin_in_the_last_number_of_a_syns_window) { again("tcp_random", 0x883de401); }
/* The model's fault: an old ACK named text that its receiver had thrown away since. */
TEST(a_block_that_begins_at_snd_una_counts_for_nothing) { again("tcp_random", 0xe0017705); }
/* Not the stacks' fault: two wires turned a bit each of one packet, 698 bytes apart and opposite ways, and the checksum was as before. */
TEST(a_packet_is_damaged_once_at_most) { again("tcp_random", 0xe23859c6); }
/* Nor this: one checksum covers all fragments of a datagram, and two of them were damaged. */
TEST(fragments_are_not_damaged) { again("udp", 0xa67); }
