#ifndef TRANSPORT_TCP_SACK_BLOCK_H
#define TRANSPORT_TCP_SACK_BLOCK_H
/* What a SACK option says, RFC 2018 3: the receive queue has it, the option carries it, the scoreboard takes it. */
#include "base/seq.h"

struct tcp_sack_block { tcp_seq left, right; };		/* [left, right) */
enum { TCP_MAX_SACK = 4 };

#endif
