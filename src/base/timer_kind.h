#ifndef BASE_TIMER_KIND_H
#define BASE_TIMER_KIND_H
/* Whose a timer of the stack's one wheel is: the floor that armed it gets it back when it is due. */
enum timer_kind {
	TIMER_LINK, TIMER_LINK_ACD, TIMER_LINK_SERIAL, TIMER_LINK_RARP, TIMER_NET_FRAG, TIMER_NET_GROUP, TIMER_NET_ND, TIMER_NET,
	TIMER_TCP_TCB, TIMER_TCP_SYN, TIMER_TCP_TW, TIMER_TCP, TIMER_SOCK
};
#endif
