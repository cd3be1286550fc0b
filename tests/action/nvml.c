/* A driver's library with one GPU, as far as llm-loadtest asks: what NVIDIA's container runtime would mount. */
#include <string.h>

typedef struct { unsigned long long total, free, used; } Memory;

static int device;
static int say(char *to, unsigned length, const char *text) { strncpy(to, text, length); return 0; }

int nvmlInit_v2(void) { return 0; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *to, unsigned length) { return say(to, length, "570.86.15"); }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { (void)index; *handle = &device; return 0; }
int nvmlDeviceGetName(void *handle, char *to, unsigned length) { (void)handle; return say(to, length, "NVIDIA Stand-in"); }
int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
  (void)handle;
  *memory = (Memory){.total = 80ull << 30, .free = 79ull << 30, .used = 1ull << 30};
  return 0;
}
