/* Shows a program a processor without AVX-512, VNNI and AMX, to measure what those without them get:
 *
 *   cc -O2 -shared -fPIC benchmarks/avx2_only.c -o avx2_only.so
 *   LD_PRELOAD=$PWD/avx2_only.so python benchmarks/runtimes.py proteome.faa
 *
 * Linux on x86-64, on processors whose cpuid instruction can be made to fault (cpuid_fault in /proc/cpuinfo).
 * A fault is answered with what the instruction says, less those features.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define BIT(n) (1u << (n))

static const uint8_t CPUID[] = {0x0f, 0xa2};

/* Features of leaf 7, by subleaf and register; Intel's manual, volume 2A, CPUID. */
static const uint32_t AVX512_EBX = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
static const uint32_t AVX512_ECX = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14);
static const uint32_t AVX512_AMX_EDX = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);
static const uint32_t VNNI_BF16_AMX_EAX = BIT(4) | BIT(5) | BIT(21);
static const uint32_t VNNI_EDX = BIT(4) | BIT(5) | BIT(10);

static int set_faulting(int faults) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, !faults); }

static void answer(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (memcmp((const void *)registers[REG_RIP], CPUID, sizeof CPUID)) {
    signal(number, SIG_DFL); /* Another fault: it happens again, and ends the program. */
    return;
  }
  uint32_t leaf = registers[REG_RAX], subleaf = registers[REG_RCX];
  uint32_t a = leaf, b, c = subleaf, d;
  set_faulting(0);
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  set_faulting(1);
  if (leaf == 7 && subleaf == 0) {
    b &= ~AVX512_EBX;
    c &= ~AVX512_ECX;
    d &= ~AVX512_AMX_EDX;
  } else if (leaf == 7 && subleaf == 1) {
    a &= ~VNNI_BF16_AMX_EAX;
    d &= ~VNNI_EDX;
  }
  registers[REG_RAX] = a;
  registers[REG_RBX] = b;
  registers[REG_RCX] = c;
  registers[REG_RDX] = d;
  registers[REG_RIP] += sizeof CPUID;
  (void)info;
}

__attribute__((constructor)) static void begin(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  if (set_faulting(1)) {
    perror("avx2_only: expected a processor whose cpuid can fault");
    exit(2);
  }
}
