#ifndef NM_BASE_HIDDEN_H
#define NM_BASE_HIDDEN_H

/* Every header of ours wraps its prototypes in these two, so that a shared object exports nothing but its
   luaopen_ functions: LuaRocks' builtin build cannot pass -fvisibility=hidden, and two copies of base/ (in
   netmail.core and netmail.net) must not bind to each other. Includes stay outside: the libc is not hidden. */
#if defined(__GNUC__)
#  define NM_HIDDEN_BEGIN _Pragma("GCC visibility push(hidden)")
#  define NM_HIDDEN_END _Pragma("GCC visibility pop")
#  define NM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#  define NM_HIDDEN_BEGIN
#  define NM_HIDDEN_END
#  define NM_PRINTF(fmt, args)
#endif

#endif
