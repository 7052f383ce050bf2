//! How the program's heap is set up.

/// One heap for all threads, instead of glibc's default of up to eight per core: see
/// `docs/decisions/one-arena.md`. To be called before there is a second thread.
///
/// `MALLOC_ARENA_MAX` in the environment is left as it is.
pub fn share_one_arena() {
    #[cfg(target_env = "gnu")]
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // SAFETY: glibc takes its own lock for it and only notes the number, which is a valid one;
        // nothing that was allocated before is touched.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
