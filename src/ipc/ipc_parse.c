/*
 * The bodies of messages.  Each parser looks at nothing outside [body, body + len), copies the fixed part out (a body
 * has no alignment) and borrows the rest.  Text from outside is cut at its first NUL and always has one.
 */
#include "ipc/ipc.h"
#include <string.h>

/*
 * The bytes behind the fixed part: name, control messages, data.  The two lengths are from outside, so no sum of
 * them.
 */
static bool split(const uint8_t *p, size_t len, uint32_t name_len, uint32_t ctl_len, struct ipc_bytes *name,
		  struct ipc_bytes *ctl, struct ipc_bytes *data)
{
	if (name_len > len || ctl_len > len - name_len)
		return false;
	*name = (struct ipc_bytes){ p, name_len };
	*ctl = (struct ipc_bytes){ p + name_len, ctl_len };
	*data = (struct ipc_bytes){ p + name_len + ctl_len, len - name_len - ctl_len };
	return true;
}

bool ipc_call_parse(const uint8_t *body, size_t len, struct ipc_call *call, struct ipc_bytes *name,
		    struct ipc_bytes *ctl, struct ipc_bytes *data)
{
	if (len < sizeof *call)
		return false;
	memcpy(call, body, sizeof *call);
	if (call->op < IPC_OP_SOCKET || call->op >= IPC_OP_MAX || call->timeout_ns < 0)
		return false;
	return split(body + sizeof *call, len - sizeof *call, call->name_len, call->ctl_len, name, ctl, data);
}

bool ipc_reply_parse(const uint8_t *body, size_t len, struct ipc_reply *reply, struct ipc_bytes *name,
		     struct ipc_bytes *ctl, struct ipc_bytes *data)
{
	if (len < sizeof *reply)
		return false;
	memcpy(reply, body, sizeof *reply);
	return split(body + sizeof *reply, len - sizeof *reply, reply->name_len, reply->ctl_len, name, ctl, data);
}

bool ipc_hello_parse(const uint8_t *body, size_t len, struct ipc_hello *hello, struct ipc_bytes *file)
{
	if (len < sizeof *hello)
		return false;
	*file = (struct ipc_bytes){ body + sizeof *hello, len - sizeof *hello };
	memcpy(hello, body, sizeof *hello);
	hello->program[sizeof hello->program - 1] = 0;
	hello->host[sizeof hello->host - 1] = 0;
	return hello->role == IPC_ROLE_GUEST || hello->role == IPC_ROLE_TOOL;
}
