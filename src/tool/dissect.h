#ifndef TOOL_DISSECT_H
#define TOOL_DISSECT_H
/*
 * A frame read for people: the addresses, ports, flags and lengths that a line of a capture or a ladder shows.  It never
 * judges a frame (checksums are the stack's affair); what is cut short is shown as far as it goes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <outlet/ol_addr.h>
#include <outlet/ol_stack.h>

enum dis_net { DIS_OTHER, DIS_ARP, DIS_IP4, DIS_IP6 };
enum { DIS_FIN = 1, DIS_SYN = 2, DIS_RST = 4, DIS_PSH = 8, DIS_ACK = 16, DIS_URG = 32, DIS_ECE = 64, DIS_CWR = 128,
	DIS_AE = 256, DIS_ECN = DIS_AE | DIS_CWR | DIS_ECE };	/* AE: RFC 9768 */
enum { DIS_ICMP = 1, DIS_IGMP = 2, DIS_TCP = 6, DIS_UDP = 17, DIS_ICMP6 = 58, DIS_OSPF = 89, DIS_SCTP = 132 };
enum { DIS_MAX_SACK = 4 };

struct dis_tcp {
	uint32_t seq, ack;
	uint16_t wnd;
	uint16_t flags;
	uint16_t mss;				/* 0: no such option */
	int8_t ws;				/* window scale, -1: no such option */
	int8_t cookie;				/* Fast Open, RFC 7413: its bytes, 0: asked for, -1: no such option */
	bool sack_ok, has_ts;
	uint32_t tsval, tsecr;
	uint8_t n_sack;
	struct { uint32_t from, to; } sack[DIS_MAX_SACK];
};

struct dis {
	enum dis_net net;
	struct ol_mac mac_src, mac_dst;		/* all zero on links without */
	uint16_t ethertype;
	uint16_t ppp;				/* PPP: the Protocol field */
	uint8_t ppp_code;			/* of a control packet, 0: none */
	struct ol_addr src, dst;		/* of ARP: sender's and target's protocol address */
	uint8_t proto, ttl;			/* proto 0: no IP, or cut short */
	uint32_t id;				/* IPv4 identification or of the IPv6 fragment header */
	bool fragment;				/* part of a datagram; ports only in the first */
	uint32_t frag_off;			/* bytes */
	uint16_t sport, dport;			/* TCP and UDP */
	struct dis_tcp tcp;
	uint8_t icmp_type, icmp_code;		/* both families */
	uint16_t icmp_id, icmp_seq;		/* of echoes */
	uint32_t icmp_value;			/* MTU of a "too big" */
	uint16_t arp_op;
	struct ol_mac arp_sender, arp_target;
	const uint8_t *text;			/* what TCP or UDP carries, as far as it was captured */
	size_t text_cap;			/* captured bytes of it */
	uint32_t text_len;			/* bytes by the length fields */
	const uint8_t *inner;			/* datagram that an ICMP error quotes, or NULL */
	size_t inner_len;
	const uint8_t *group;			/* an IGMP or MLD message, or NULL */
	size_t group_cap, group_len;		/* captured bytes of it, at least 8; bytes by the length fields */
	uint32_t frame_len;			/* of the whole frame on the wire */
	const char *bad;			/* what is wrong with it, or NULL */
};

/**
 * Reads the frame p[0, cap); orig is its length on the wire.  link is an enum ol_link.  *d borrows from p.  Reads nothing
 * outside [p, p + cap).
 */
void dissect(struct dis *d, enum ol_link link, const uint8_t *p, size_t cap, size_t orig);
/** One line: "10.0.0.1:80 > 10.0.0.2:4000 TCP SYN ACK seq 1 ack 2 win 65535 (mss 1460)".  Returns buf. */
char *dissect_line(const struct dis *d, char *buf, size_t len);
/** "SYN ACK" */
char *dissect_flags(uint16_t flags, char *buf, size_t len);
/** What a message about groups says (d->group is there): "v3 report: joins 239.1.2.3".  Returns buf. */
char *dissect_group(const struct dis *d, char *buf, size_t len);
/** "echo request", "port unreachable", "multicast listener v2 query for all groups"; a number where it has no name. */
char *dissect_icmp(const struct dis *d, char *buf, size_t len);

#endif
