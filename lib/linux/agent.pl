# The program that stands inside a lab's namespaces and does there what it is told over its standard input and output.
# It is Perl because a process must call setns() to work in a network namespace, which Node cannot, and a process per
# namespace would be too many: Perl can, and Debian's perl-base is on every Debian machine.
#
# A request is a line `ID OP LENGTH...` followed by the arguments' bytes; an answer is `ID STATUS LENGTH...` in the same way.
# When its input ends, for whatever reason, it exits, and the kernel takes down everything with it:
# it is the first process of its own process and mount namespaces, and nothing else holds the network namespaces.
use strict;
use warnings;
use Socket;
use Fcntl;
use Errno qw(:POSIX);

my %setns_number = (x86_64 => 308, aarch64 => 268, riscv64 => 268, loongarch64 => 268, ppc64le => 350, s390x => 339, armv7l => 375, i686 => 346);
my ($machine) = @ARGV;
my $setns = $setns_number{$machine} or die "unknown machine $machine\n";
my $NEWNET = 0x40000000;
my %errno_names = map { (Errno->can($_)->(), $_) } grep { $_ ne 'EWOULDBLOCK' && $_ ne 'EDEADLOCK' && $_ ne 'ENOTSUP' } @{$Errno::EXPORT_TAGS{POSIX}}, 'ENONET', 'EHOSTDOWN';

$SIG{PIPE} = 'IGNORE';
$SIG{INT} = 'IGNORE';
binmode STDIN;
binmode STDOUT;
open(my $home, '<', '/proc/self/ns/net') or die "no network namespaces: $!\n";

my (%readers, %writers);   # file number => code
my ($read_bits, $write_bits) = ('', '');
my (%raws, %watches, %captures, @seen_datagrams, @timers, @keep);
my $serial = 0;
my $output = '';

# Seconds since the machine started, to hundredths.
sub uptime { open(my $file, '<', '/proc/uptime') or die "no /proc: $!\n"; return (split / /, scalar <$file>)[0]; }

sub answer {
  my ($id, $status, @fields) = @_;
  $output .= join(' ', $id, $status, map { length } @fields) . "\n" . join('', @fields);
}

sub watch_read { my ($handle, $code) = @_; $readers{fileno $handle} = $code; vec($read_bits, fileno $handle, 1) = 1; }
sub watch_write { my ($handle, $code) = @_; $writers{fileno $handle} = $code; vec($write_bits, fileno $handle, 1) = 1; }
sub unwatch {
  my ($handle) = @_;
  my $n = fileno $handle;
  return unless defined $n;
  delete $readers{$n};
  delete $writers{$n};
  vec($read_bits, $n, 1) = 0;
  vec($write_bits, $n, 1) = 0;
}

# The numbers of the bits that are set.
sub bits {
  my ($vector) = @_;
  my @numbers;
  while ($vector =~ /[^\0]/g) {
    my $first = (pos($vector) - 1) * 8;
    push @numbers, grep { vec($vector, $_, 1) } $first .. $first + 7;
  }
  return @numbers;
}

sub after {
  my ($milliseconds, $code) = @_;
  my $timer = { at => uptime() + $milliseconds / 1000, code => $code };
  @timers = sort { $a->{at} <=> $b->{at} } grep { defined $_->{code} } @timers, $timer;
  return $timer;
}

sub enter {
  my ($namespace) = @_;
  return 1 if $namespace eq '';
  open(my $handle, '<', "/run/netns/$namespace") or return 0;
  return syscall($setns, fileno $handle, $NEWNET) == 0;
}

sub leave { syscall($setns, fileno $home, $NEWNET) == 0 or die "cannot return: $!\n"; }

sub within {
  my ($namespace, $code) = @_;
  enter($namespace) or die "cannot enter $namespace: $!\n";
  my @result = eval { $code->() };
  my $error = $@;
  leave() if $namespace ne '';
  die $error if $error ne '';
  return wantarray ? @result : $result[0];
}

sub nonblocking { my ($handle) = @_; fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK); }

# --- programs ------------------------------------------------------------------------------------------------------

sub scratch {
  my $path = '/run/lab.' . ++$serial;
  open(my $handle, '+>', $path) or die "cannot write $path: $!\n";
  open(my $reader, '<', $path) or die "cannot read $path: $!\n"; # a position of its own: the program's must not move
  unlink $path;
  return ($handle, $reader);
}

# run NAMESPACE INPUT PROGRAM ARGUMENT...: answers when it has ended.
sub op_run {
  my ($id, $namespace, $input, @command) = @_;
  my ($in, $in_reader) = scratch();
  syswrite($in, $input) if $input ne '';
  my ($out, $out_reader) = scratch();
  pipe(my $error_read, my $error_write) or die "no pipe: $!\n";
  my $pid = fork();
  die "cannot fork: $!\n" unless defined $pid;
  if ($pid == 0) {
    $SIG{INT} = 'DEFAULT';
    $SIG{PIPE} = 'DEFAULT';
    open(STDERR, '>&', $error_write);
    open(STDIN, '<&', $in_reader);
    open(STDOUT, '>&', $out);
    enter($namespace) or do { print STDERR "cannot enter $namespace: $!\n"; exit 126; };
    exec { $command[0] } @command or do { print STDERR "$command[0]: $!\n"; exit 127; };
  }
  close $error_write;
  my $errors = '';
  nonblocking($error_read);
  watch_read($error_read, sub {
    my $n = sysread($error_read, $errors, 65536, length $errors);
    return if !defined $n || $n > 0;
    unwatch($error_read);
    close $error_read;
    waitpid($pid, 0);
    answer($id, 'done', $? & 127 ? 128 + ($? & 127) : $? >> 8, contents($out_reader), $errors);
  });
}

sub contents { my ($handle) = @_; local $/; seek($handle, 0, 0); my $text = <$handle>; return defined $text ? $text : ''; }

# sysctl NAMESPACE NAME VALUE NAME VALUE...: answers with the names that could not be set.
sub op_sysctl {
  my ($id, $namespace, @pairs) = @_;
  my @failed;
  within($namespace, sub {
    while (my ($name, $value) = splice(@pairs, 0, 2)) {
      if (open(my $file, '>', "/proc/sys/$name")) { push @failed, $name unless defined syswrite($file, "$value\n"); close $file; }
      else { push @failed, $name; }
    }
  });
  answer($id, 'done', @failed);
}

# settle NAMESPACE MILLISECONDS INTERFACE...: answers when all are running, or with those that are not in time.
sub op_settle {
  my ($id, $namespace, $milliseconds, @names) = @_;
  my $socket = within($namespace, sub { socket(my $s, AF_INET, SOCK_DGRAM, 0) or die "no socket: $!\n"; return $s; });
  my $until = uptime() + $milliseconds / 1000;
  my $look;
  $look = sub {
    @names = grep { my $request = pack('a16x24', $_); ioctl($socket, 0x8913, $request); !(unpack('x16s', $request) & 0x40) } @names;
    if (@names && uptime() < $until) { after(2, $look); return; }
    answer($id, 'done', @names);
  };
  $look->();
}

# --- servers -------------------------------------------------------------------------------------------------------

sub address_of { my ($port, $ip) = unpack_sockaddr_in($_[0]); return (inet_ntoa($ip), $port); }

sub http_response {
  my ($body, $peer, $port, $host) = @_;
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " . length($body) . "\r\nX-Caller: $peer:$port\r\nX-Server: $host\r\n\r\n$body";
}

# listen NAMESPACE HOST PROTO PORT KIND TEXT ADDRESS...: at any address. Over UDP it also stands at each of the host's own,
# as name servers do, so that an answer comes from the address that was asked.
sub op_listen {
  my ($id, $namespace, $host, $proto, $port, $kind, $text, @addresses) = @_;
  my $body = sub { my ($peer) = @_; return $kind eq 'text' ? $text : "$peer\n"; };
  for my $address (INADDR_ANY, map { inet_aton($_) } $proto eq 'udp' ? @addresses : ()) { listen_at($namespace, $host, $proto, $address, $port, $body); }
  answer($id, 'done');
}

sub listen_at {
  my ($namespace, $host, $proto, $address, $port, $body) = @_;
  my $server = within($namespace, sub {
    socket(my $s, AF_INET, $proto eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0) or die "no socket: $!\n";
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($s, pack_sockaddr_in($port, $address)) or die "cannot bind $proto port $port: $!\n";
    listen($s, 4096) or die "cannot listen: $!\n" if $proto eq 'tcp';
    return $s;
  });
  nonblocking($server);
  if ($proto eq 'udp') {
    watch_read($server, sub {
      while (defined(my $from = recv($server, my $data, 65536, 0))) {
        my ($peer, $peer_port) = address_of($from);
        my $reply = $body->($peer);
        push @seen_datagrams, { request => $data, reply => $reply, peer => $peer, port => $peer_port, host => $host };
        shift @seen_datagrams if @seen_datagrams > 10000;
        send($server, $reply, 0, $from);
      }
    });
  } else {
    watch_read($server, sub {
      while (my $from = accept(my $client, $server)) { serve($client, $from, $host, $body); }
    });
  }
  push @keep, $server;
}

sub serve {
  my ($client, $from, $host, $body) = @_;
  my ($peer, $port) = address_of($from);
  nonblocking($client);
  my $data = '';
  watch_read($client, sub {
    my $n = sysread($client, my $chunk, 65536);
    return if !defined $n && ($! == EAGAIN || $! == EINTR);
    if (!$n) { unwatch($client); close $client; return; }
    $data .= $chunk;
    return if $data =~ /^[A-Z]+ \S+ HTTP\// && $data !~ /\r\n\r\n/;
    $data = '';
    syswrite($client, http_response($body->($peer), $peer, $port, $host));
  });
}

# --- clients -------------------------------------------------------------------------------------------------------

# connect NAMESPACE PROTO SOURCEPORT ADDRESS PORT REQUEST CLOSE MILLISECONDS SILENCE: over TCP it asks after SILENCE milliseconds
sub op_connect {
  my ($id, $namespace, $proto, $source_port, $address, $port, $request, $close, $milliseconds, $silence) = @_;
  my $to = pack_sockaddr_in($port, inet_aton($address));
  my $failure = sub { my ($errno) = @_; return ('failed', $errno_names{$errno} || $errno); };
  my ($client, $errno) = within($namespace, sub {
    socket(my $s, AF_INET, $proto eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0) or die "no socket: $!\n";
    nonblocking($s);
    if ($source_port) {
      setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
      bind($s, pack_sockaddr_in($source_port, INADDR_ANY)) or return ($s, $! + 0);
    }
    return ($s, connect($s, $to) ? 0 : $! + 0);
  });
  my $local = getsockname($client);
  my $own_port = $source_port || ($local ? (address_of($local))[1] : 0);
  my $finished = 0;
  my $timer;
  my $end = sub {
    my (@fields) = @_;
    return if $finished;
    $finished = 1;
    $timer->{code} = undef if $timer;
    unwatch($client);
    if ($close eq 'open' && $fields[0] eq 'connected') { push @keep, $client; } else { close $client; }
    answer($id, 'done', $own_port, @fields);
  };
  return $end->($failure->($errno)) if $errno && $errno != EINPROGRESS;
  # Established is only a matter of time: the answer comes from this program, which may be waiting for the processor.
  my $again = $proto eq 'tcp';
  my $expire;
  $expire = sub {
    my ($state) = unpack('C', getsockopt($client, 6, 11) || "\0"); # TCP_INFO of TCP; 1 is established
    if ($again && $state == 1) { $again = 0; $timer = after($milliseconds, $expire); return; }
    $end->('failed', 'ETIMEDOUT');
  };
  $timer = after($milliseconds, $expire);

  if ($proto eq 'udp') {
    watch_read($client, sub {
      my $data;
      if (!defined recv($client, $data, 65536, 0)) { $end->($failure->($! + 0)) unless $! == EAGAIN; return; }
      my ($i) = grep { $seen_datagrams[$_]{request} eq $request && $seen_datagrams[$_]{reply} eq $data } 0 .. $#seen_datagrams;
      my $seen = defined $i ? splice(@seen_datagrams, $i, 1) : { peer => '', port => 0, host => '' };
      $end->('connected', $seen->{peer}, $seen->{port}, $seen->{host}, $data);
    });
    $end->($failure->($! + 0)) unless defined send($client, $request, 0);
    return;
  }

  my $data = '';
  my @result;
  watch_write($client, sub {
    my $error = unpack('i', getsockopt($client, SOL_SOCKET, SO_ERROR));
    return $end->($failure->($error)) if $error;
    unwatch($client);
    if ($silence > 0) {
      $timer->{code} = undef;
      after($silence, sub {
        return if $finished;
        $timer = after($milliseconds, sub { $end->('failed', 'ETIMEDOUT'); });
        syswrite($client, $request);
      });
    } else { syswrite($client, $request); }
    watch_read($client, sub {
      my $n = sysread($client, my $chunk, 65536);
      return if !defined $n && ($! == EAGAIN || $! == EINTR);
      return $end->($failure->($! + 0)) unless defined $n;
      return $end->(@result ? @result : ('failed', 'ECONNREFUSED')) if $n == 0;
      $data .= $chunk;
      return if @result || $data !~ /^(.*?)\r\n\r\n(.*)$/s;
      my ($head, $body) = ($1, $2);
      my ($length) = $head =~ /^Content-Length: (\d+)/mi;
      return if defined $length && length $body < $length;
      my ($peer, $peer_port) = $head =~ /^X-Caller: ([0-9.]+):(\d+)/m;
      my ($host) = $head =~ /^X-Server: ([^\r\n]*)/m;
      @result = ('connected', defined $peer ? $peer : '', $peer_port || 0, defined $host ? $host : '', $body);
      if ($close eq 'fin') { shutdown($client, 1); return; }
      setsockopt($client, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) if $close eq 'rst';
      $end->(@result);
    });
  });
}

# --- packets -------------------------------------------------------------------------------------------------------

my $ETH_P_ALL = 3;

# raw NAMESPACE INTERFACE RECEIVE: a handle to send frames from, and if RECEIVE is 1 to be given what comes in.
sub op_raw {
  my ($id, $namespace, $interface, $receive) = @_;
  my $handle = within($namespace, sub {
    socket(my $s, 17, SOCK_RAW, $receive ? unpack('S', pack('n', $ETH_P_ALL)) : 0) or die "no packet socket: $!\n";
    my $request = pack('a16x24', $interface);
    ioctl($s, 0x8933, $request) or die "no interface $interface: $!\n";
    my $index = unpack('x16i', $request);
    setsockopt($s, 263, 23, pack('i', 1)) if $receive;
    setsockopt($s, SOL_SOCKET, 33, pack('i', 8388608)) if $receive;
    bind($s, pack('SniSCCa8', 17, $receive ? $ETH_P_ALL : 0, $index, 0, 0, 0, '')) or die "cannot bind to $interface: $!\n";
    return $s;
  });
  nonblocking($handle) if $receive;
  my $number = ++$serial;
  $raws{$number} = { handle => $handle, receive => $receive };
  answer($id, 'done', $number);
}

# inject HANDLE PCAP MILLISECONDS: sends a capture file's frames; answers with handle and frame of all that came in anywhere.
sub op_inject {
  my ($id, $which, $pcap, $milliseconds) = @_;
  my $raw = $raws{$which} or die "no packet socket $which\n";
  for (my $at = 24; $at + 16 <= length $pcap; ) {
    my $length = unpack('V', substr($pcap, $at + 8, 4));
    send($raw->{handle}, substr($pcap, $at + 16, $length), 0);
    $at += 16 + $length;
  }
  answer_arrivals($id, $milliseconds);
}

sub answer_arrivals {
  my ($id, $milliseconds) = @_;
  my @came = came_in();
  if (!@came && $milliseconds > 0) {
    my $bits = '';
    vec($bits, fileno $raws{$_}{handle}, 1) = 1 for grep { $raws{$_}{receive} } keys %raws;
    @came = came_in() if select($bits, undef, undef, $milliseconds / 1000) > 0;
  }
  answer($id, 'done', @came);
}

sub came_in {
  my @came;
  for my $number (sort { $a <=> $b } grep { $raws{$_}{receive} } keys %raws) {
    my $handle = $raws{$number}{handle};
    while (defined recv($handle, my $frame, 65536, 0)) { push @came, $number, $frame; }
  }
  return @came;
}

# capture NAMESPACE: collects what passes any of its interfaces, each way; captured HANDLE ends it and gives a capture file.
sub op_capture {
  my ($id, $namespace) = @_;
  my $handle = within($namespace, sub {
    socket(my $s, 17, SOCK_DGRAM, unpack('S', pack('n', $ETH_P_ALL))) or die "no packet socket: $!\n";
    return $s;
  });
  nonblocking($handle);
  setsockopt($handle, SOL_SOCKET, 33, pack('i', 8388608));
  my $stamp = "\0" x 16;
  ioctl($handle, 0x8907, $stamp); # from now on each packet has its time
  my $capture = { handle => $handle, file => pack('VvvVVVV', 0xa1b23c4d, 2, 4, 0, 0, 262144, 276) };
  my $number = ++$serial;
  $captures{$number} = $capture;
  watch_read($handle, sub { take_captured($capture); });
  answer($id, 'done', $number);
}

sub take_captured {
  my ($capture) = @_;
  my $stamp = "\0" x 16;
  while (defined(my $from = recv($capture->{handle}, my $packet, 65536, 0))) {
    my ($protocol, $index, $hardware, $type, $length, $address) = unpack('x2nISCCa8', $from);
    next if $protocol != 0x0800 || ($index == 1 && $type == 4); # what leaves by lo comes in by it again
    ioctl($capture->{handle}, 0x8907, $stamp);
    my $size = 20 + length $packet;
    $capture->{file} .= pack('VVVVnx2NnCCa8', unpack('l!l!', $stamp), $size, $size, $protocol, $index, $hardware, $type, $length, $address) . $packet;
  }
}

sub op_captured {
  my ($id, $number) = @_;
  my $capture = delete $captures{$number} or die "no capture $number\n";
  take_captured($capture);
  my $lost = unpack('x4I', getsockopt($capture->{handle}, 263, 6));
  unwatch($capture->{handle});
  close $capture->{handle};
  die "$lost packets came too fast to be captured\n" if $lost > 0;
  answer($id, 'done', $capture->{file});
}

# raw-ip NAMESPACE: a handle for emit.
sub op_raw_ip {
  my ($id, $namespace) = @_;
  my $handle = within($namespace, sub { socket(my $s, AF_INET, SOCK_RAW, 255) or die "no raw socket: $!\n"; setsockopt($s, SOL_SOCKET, SO_BROADCAST, pack('i', 1)); return $s; });
  my $number = ++$serial;
  $raws{$number} = { handle => $handle, receive => 0 };
  answer($id, 'done', $number);
}

# emit HANDLE PACKET ADDRESS MILLISECONDS: sends an IP packet as a program would, if the host lets it; answers as inject does.
sub op_emit {
  my ($id, $which, $packet, $address, $milliseconds) = @_;
  my $raw = $raws{$which} or die "no raw socket $which\n";
  send($raw->{handle}, $packet, 0, pack_sockaddr_in(0, inet_aton($address)));
  answer_arrivals($id, $milliseconds);
}

# watch-icmp NAMESPACE: collects the ICMP messages that come in, from their IP header on; unwatch HANDLE gives them.
sub op_watch_icmp {
  my ($id, $namespace) = @_;
  my $handle = within($namespace, sub { socket(my $s, AF_INET, SOCK_RAW, 1) or die "no raw socket: $!\n"; return $s; });
  nonblocking($handle);
  my $number = ++$serial;
  $watches{$number} = $handle;
  answer($id, 'done', $number);
}

sub op_unwatch {
  my ($id, $number) = @_;
  my $handle = delete $watches{$number} or die "no watch $number\n";
  my @messages;
  while (defined recv($handle, my $message, 65536, 0)) { push @messages, $message; }
  close $handle;
  answer($id, 'done', @messages);
}

# --- the loop ------------------------------------------------------------------------------------------------------

my %operations = (
  run => \&op_run, sysctl => \&op_sysctl, settle => \&op_settle, listen => \&op_listen, connect => \&op_connect,
  raw => \&op_raw, 'raw-ip' => \&op_raw_ip, emit => \&op_emit, inject => \&op_inject, 'watch-icmp' => \&op_watch_icmp, unwatch => \&op_unwatch,
  capture => \&op_capture, captured => \&op_captured,
);

my $input = '';
sub take_requests {
  while ($input =~ /^([^\n]*)\n/) {
    my ($id, $operation, @lengths) = split / /, $1;
    my $at = length($1) + 1;
    my $total = $at;
    $total += $_ for @lengths;
    return if length $input < $total;
    my @fields = map { my $field = substr($input, $at, $_); $at += $_; $field } @lengths;
    $input = substr($input, $total);
    eval { $operations{$operation}->($id, @fields); };
    answer($id, 'failed', $@) if $@ ne '';
  }
}

mkdir '/run/netns';
answer(0, 'ready');
nonblocking(\*STDIN);
while (1) {
  my ($read, $write) = ($read_bits, $write_bits);
  vec($read, 0, 1) = 1;
  vec($write, 1, 1) = 1 if $output ne '';
  shift @timers while @timers && !defined $timers[0]{code};
  my $wait = @timers ? $timers[0]{at} - uptime() : undef;
  $wait = 0 if defined $wait && $wait < 0;
  my $found = select($read, $write, undef, $wait);
  if ($found > 0) {
    if (vec($write, 1, 1)) {
      my $n = syswrite(STDOUT, $output);
      exit 0 if !defined $n && $! != EAGAIN && $! != EINTR;
      $output = substr($output, $n) if $n;
    }
    if (vec($read, 0, 1)) {
      my $n = sysread(STDIN, $input, 1048576, length $input);
      exit 0 if defined $n && $n == 0;
      take_requests();
    }
    for my $n (bits($read)) { $readers{$n}->() if $readers{$n}; }
    for my $n (bits($write)) { $writers{$n}->() if $writers{$n}; }
    next; # what has come counts before the time that has passed: on a busy machine both wait here
  }
  while (@timers && $timers[0]{at} <= uptime()) { my $timer = shift @timers; $timer->{code}->() if defined $timer->{code}; }
}
