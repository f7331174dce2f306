# SPDX-License-Identifier: MIT
# A repository's life, with fixed dates so that the hashes are the same each time.
set -e
export GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' GIT_COMMITTER_DATE='2001-02-03T04:05:06Z'
export GIT_CONFIG_GLOBAL=/dev/null HOME=$PWD
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

git init -q -b main one
cd one
for i in 1 2 3 4 5; do
	for j in 1 2 3 4 5 6 7 8 9 10; do
		seq $((i * j * 50)) >file$j
	done
	git add .
	git commit -q -m "change $i"
done
git log --oneline
git gc -q
git fsck
git count-objects -v | grep -v size
cd ..
git clone -q one two
git clone -q --bare one three.git
cd two
git log --format=%s
git status
git checkout -q -b topic
echo topic >>file1
git commit -q -a -m topic
git checkout -q main
echo main >>file2
git commit -q -a -m main
git merge -q -m merge topic
git log --graph --oneline
git diff --stat HEAD~1
git push -q ../three.git topic main
git -C ../three.git log --oneline -n 3 topic
git rebase -q HEAD~1 2>&1
git stash list
git grep -c 100 | head -n 3
git archive HEAD | tar -t | head -n 3
git bisect start HEAD HEAD~3 >/dev/null
git bisect run sh -c '! grep -q topic file1' | grep 'first bad'
cd ..
rm -rf one two three.git
