//! System calls that a worker has no use for are refused: network, other programs, other processes, changes to files, and
//! in the end all opening of files.
//!
//! A worker reads its own lists and models by path, gets its item's bytes by pipe, computes, and answers by pipe. Whoever
//! takes one over through a damaged file can ask the kernel for nothing that leaves the machine, starts a program, touches
//! the evidence or opens a file: each such call fails with `EPERM`, in every thread, for good. The first filters stand
//! before the worker hears of a job ([`apply`]), the last before it is given the first byte of an item ([`shut`]). What is
//! left open: the answers' pipe, and memory and processor up to the limits.
//!
//! Linux on x86-64 and AArch64. Elsewhere, and on a kernel built without seccomp, workers run without: see
//! [`crate::enforced()`].

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// What is refused. New sockets of any kind, and everything that could use one that was handed down; other programs;
/// other processes; io_uring, whose requests no filter sees; what changes files or folders; and corners of the kernel that
/// no decoder needs.
const REFUSED: [libc::c_long; 90] = [
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_mount,
    libc::SYS_umount2,
    // Its flags stand in memory, where a filter cannot see them.
    libc::SYS_openat2,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    // Signals to whomever; a thread's own (`abort`) go by `tgkill`, below.
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_perf_event_open,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_mq_open,
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
];

/// Older calls for the same.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD: [libc::c_long; 17] = [
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_creat,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_fremovexattr,
];
#[cfg(target_arch = "aarch64")]
const REFUSED_OLD: [libc::c_long; 1] = [libc::SYS_fremovexattr];

/// Calls that open a file, with the place of their flags: refused for anything but reading.
#[cfg(target_arch = "x86_64")]
const OPENING: [(libc::c_long, u8); 2] = [(libc::SYS_open, 1), (libc::SYS_openat, 2)];
#[cfg(target_arch = "aarch64")]
const OPENING: [(libc::c_long, u8); 1] = [(libc::SYS_openat, 2)];

/// What is refused besides once nothing is to be read by path any more: opening and looking around.
const SHUT: [libc::c_long; 18] = [
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_fgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
];

/// Older calls for the same.
#[cfg(target_arch = "x86_64")]
const SHUT_OLD: [libc::c_long; 7] = [
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_getdents,
    libc::SYS_inotify_init,
];
#[cfg(target_arch = "aarch64")]
const SHUT_OLD: [libc::c_long; 0] = [];

/// Calls of the x32 ABI, which carry this bit; some have numbers of their own. *Source:* Linux
/// `arch/x86/entry/syscalls/syscall_64.tbl`.
#[cfg(target_arch = "x86_64")]
const X32: libc::c_long = 0x4000_0000;
/// recvfrom, sendmsg, recvmsg, execve, ptrace, recvmmsg, sendmmsg, process_vm_readv, process_vm_writev, execveat.
#[cfg(target_arch = "x86_64")]
const X32_OWN: [libc::c_long; 10] = [517, 518, 519, 520, 521, 537, 538, 539, 540, 545];

/// Refuses them in this process and all its threads, for good.
///
/// # Errors
/// When the kernel has seccomp and will not take the filter. A kernel without is no error.
pub(crate) fn apply() -> io::Result<()> {
    // `clone3` keeps its flags in memory, out of a filter's sight. Told that there is no such call, the C library makes
    // its threads by `clone`.
    install(
        &program(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS).map_err(io::Error::other)?,
    )?;
    install(&at_start(std::process::id()).map_err(io::Error::other)?)
}

/// Refuses, besides, to open or look for any file by name, in this process and all its threads, for good.
///
/// # Errors
/// As [`apply`].
pub(crate) fn shut() -> io::Result<()> {
    let rules = SHUT.into_iter().chain(SHUT_OLD).map(|number| (number, Vec::new())).collect();
    install(&program(rules, libc::EPERM).map_err(io::Error::other)?)
}

fn install(filter: &BpfProgram) -> io::Result<()> {
    match seccompiler::apply_filter_all_threads(filter) {
        Ok(()) => Ok(()),
        Err(seccompiler::Error::Prctl(why) | seccompiler::Error::Seccomp(why)) if is_missing(&why) => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// The kernel knows no such thing: `ENOSYS` without the call, `EINVAL` without filters.
fn is_missing(why: &io::Error) -> bool {
    matches!(why.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

fn at_start(own_id: u32) -> Result<BpfProgram, seccompiler::BackendError> {
    let always = REFUSED.into_iter().chain(REFUSED_OLD).map(|number| (number, Vec::new()));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = always.collect();
    for (number, flags) in OPENING {
        rules.insert(number, writing(flags)?);
    }
    // A thread is made, a process is not; a signal reaches this process (`abort`), no other.
    let thread = flag(libc::CLONE_THREAD);
    let no_thread = (SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0);
    let another = (SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, u64::from(own_id));
    for (number, (length, is, value)) in [(libc::SYS_clone, no_thread), (libc::SYS_tgkill, another)] {
        let rule = SeccompRule::new(vec![SeccompCondition::new(0, length, is, value)?])?;
        rules.insert(number, vec![rule]);
    }
    program(rules, libc::EPERM)
}

/// A program that answers these calls with an error and lets all others through.
fn program(
    mut rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: libc::c_int,
) -> Result<BpfProgram, seccompiler::BackendError> {
    #[cfg(target_arch = "x86_64")]
    {
        let x32: Vec<_> = rules.iter().map(|(number, rules)| (number | X32, rules.clone())).collect();
        rules.extend(x32);
        if rules.contains_key(&libc::SYS_execve) {
            rules.extend(X32_OWN.map(|number| (number | X32, Vec::new())));
        }
    }
    let arch = if cfg!(target_arch = "x86_64") { TargetArch::x86_64 } else { TargetArch::aarch64 };
    let refused = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()
}

fn flag(flag: libc::c_int) -> u64 {
    u64::from(flag.unsigned_abs())
}

/// Any of these flags: to write, to write and read, to make, to empty.
fn writing(argument: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let access = flag(libc::O_ACCMODE);
    [
        (access, flag(libc::O_WRONLY)),
        (access, flag(libc::O_RDWR)),
        (access, access),
        (flag(libc::O_CREAT), flag(libc::O_CREAT)),
        (flag(libc::O_TRUNC), flag(libc::O_TRUNC)),
    ]
    .into_iter()
    .map(|(mask, value)| {
        let is_set = SeccompCmpOp::MaskedEq(mask);
        SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is_set, value)?])
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_compiles_within_what_the_kernel_takes() {
        let program = at_start(1).unwrap();
        assert!((REFUSED.len()..4096).contains(&program.len()), "{}", program.len());
    }
}
