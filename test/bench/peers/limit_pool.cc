// One pool of ports as fast as we know how to say it: a count wheel, as in lib/snat/pool.ts, and nothing else.
// Arrivals at random, each holds a port for 0.5 + exponential(0.5), or fails. Time runs in mean inter-arrival times.
//
//     limit_pool WARM_UP ARRIVALS ERLANGS PORTS SEED        warms up, then prints events, seconds, failures
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

// Exponential variates by the ziggurat method over xoshiro256++.
class Exponential {
 public:
  explicit Exponential(std::uint64_t seed) {
    for (auto& word : state_) {  // splitmix64
      std::uint64_t z = (seed += 0x9e3779b97f4a7c15u);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      word = z ^ (z >> 31);
    }
    const double area = 3.949659822581572e-3, bits = std::ldexp(1.0, 32);
    double x = kTail, above = x;
    const double base = area / std::exp(-x);
    limit_[0] = static_cast<std::uint32_t>(x / base * bits);
    limit_[1] = 0;
    width_[0] = base / bits;
    width_[255] = x / bits;
    height_[0] = 1;
    height_[255] = std::exp(-x);
    for (int i = 254; i >= 1; --i) {
      x = -std::log(area / x + std::exp(-x));
      limit_[i + 1] = static_cast<std::uint32_t>(x / above * bits);
      above = x;
      height_[i] = std::exp(-x);
      width_[i] = x / bits;
    }
  }

  double operator()() {
    const std::uint64_t word = Next();
    const int layer = word & 255;
    const std::uint32_t bits = word >> 32;
    if (__builtin_expect(bits < limit_[layer], 1)) return bits * width_[layer];
    return Rare(bits, layer);
  }

 private:
  static constexpr double kTail = 7.69711747013104972;

  static std::uint64_t Turn(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  std::uint64_t Next() {
    const std::uint64_t result = Turn(state_[0] + state_[3], 23) + state_[0], shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Turn(state_[3], 45);
    return result;
  }

  double Unit() { return ((Next() >> 11) + 0.5) * 0x1p-53; }

  __attribute__((noinline)) double Rare(std::uint32_t bits, int layer) {
    for (;;) {
      if (layer == 0) return kTail - std::log(Unit());
      const double x = bits * width_[layer];
      if (height_[layer] + Unit() * (height_[layer - 1] - height_[layer]) < std::exp(-x)) return x;
      const std::uint64_t word = Next();
      layer = word & 255;
      bits = word >> 32;
      if (bits < limit_[layer]) return bits * width_[layer];
    }
  }

  std::uint64_t state_[4];
  std::uint32_t limit_[256];
  double width_[256], height_[256];
};

constexpr int kBuckets = 1 << 13, kMask = kBuckets - 1, kRoom = 16;

struct Outcome {
  long events, failed;
  double seconds;
};

Outcome Run(long arrivals, double erlangs, int ports, std::uint64_t seed) {
  Exponential exponential(seed);
  std::vector<std::uint8_t> count(kBuckets);
  std::vector<float> offset(kBuckets * kRoom);  // of each departure within its bucket
  std::vector<double> late;                     // beyond the wheel
  double now = 0;
  std::int64_t cursor = 0;
  long failed = 0;
  int busy = 0;

  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < arrivals; ++i) {
    now += exponential();
    const auto bucket = static_cast<std::int64_t>(now);
    for (; cursor < bucket; ++cursor) {
      busy -= count[cursor & kMask];
      count[cursor & kMask] = 0;
    }
    for (std::size_t j = 0; j < late.size();) {
      const double due = late[j];
      if (due - now >= kBuckets - 2) {
        ++j;
        continue;
      }
      late[j] = late.back();
      late.pop_back();
      if (due <= now) {
        --busy;
      } else {
        const auto place = static_cast<std::int64_t>(due);
        offset[(place & kMask) * kRoom + count[place & kMask]++] = static_cast<float>(due - place);
      }
    }
    if (busy >= ports) {
      const int index = bucket & kMask;
      const auto since = static_cast<float>(now - bucket);
      int left = count[index];
      for (int j = 0; j < left;) {
        float& each = offset[index * kRoom + j];
        if (each > since) {
          ++j;
          continue;
        }
        each = offset[index * kRoom + --left];
        --busy;
      }
      count[index] = left;
      if (busy >= ports) {
        ++failed;
        continue;
      }
    }
    const double hold = erlangs * (0.5 + 0.5 * exponential()), due = now + hold;
    ++busy;
    const auto place = static_cast<std::int64_t>(due);
    const int index = place & kMask;
    if (hold < kBuckets - 2 && count[index] < kRoom)
      offset[index * kRoom + count[index]++] = static_cast<float>(due - place);
    else
      late.push_back(due);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {2 * arrivals - failed, failed, seconds.count()};
}

}  // namespace

int main(int, char** argv) {
  const double erlangs = std::atof(argv[3]);
  const int ports = std::atoi(argv[4]);
  const std::uint64_t seed = std::strtoull(argv[5], nullptr, 10);
  Run(std::atol(argv[1]), erlangs, ports, seed);
  const Outcome outcome = Run(std::atol(argv[2]), erlangs, ports, seed);
  std::printf("%ld %f %ld\n", outcome.events, outcome.seconds, outcome.failed);
}
